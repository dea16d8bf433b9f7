import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { adaptedModules, linearsOf } from "./adapter-modules.ts";

const dir = mkdtempSync(join(tmpdir(), "anneal-modules-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function write(names: string[]) {
  const header = Buffer.from(JSON.stringify(Object.fromEntries(names.map((name) => [name, {}]))));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(join(dir, "adapter_model.safetensors"), Buffer.concat([length, header]));
}

test("modules are told by the tensors that lie in the folder", async () => {
  const at = "base_model.model.model.layers";
  write([
    `${at}.0.self_attn.q_proj.lora_A.weight`,
    `${at}.0.self_attn.q_proj.lora_B.weight`,
    `${at}.1.self_attn.q_proj.lora_A.weight`,
    `${at}.0.mlp.gate_proj.lora_A.weight`,
    `${at}.1.mlp.experts.base_layer.lora_A.weight`,
    `${at}.1.mlp.experts.lora_A.weight`,
    `${at}.1.mlp.shared_experts.up_proj.lora_A.weight`,
    "base_model.model.lm_head.lora_A.weight",
  ]);
  const modules = await adaptedModules(dir);
  expect(modules).toHaveLength(5);
  const names = ["q_proj", "mlp.gate_proj", "mlp.up_proj", "shared_experts.up_proj", "gate_proj", "up_proj"];
  expect(linearsOf(modules, names)).toEqual(["q_proj", "mlp.gate_proj", "shared_experts.up_proj", "lm_head"]);
  expect(linearsOf(["model.layers.3.mlp.gate_proj"], ["q_proj", "gate_proj"])).toEqual(["gate_proj"]);
});

test("a header of any announced length is not read", async () => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(2n ** 60n);
  writeFileSync(join(dir, "adapter_model.safetensors"), length);
  await expect(adaptedModules(dir)).rejects.toThrow("has 1152921504606846976 bytes");
});

test("a pipe in the file's place is refused at once", async () => {
  const folder = mkdtempSync(join(dir, "pipe-"));
  execFileSync("mkfifo", [join(folder, "adapter_model.safetensors")]);
  await expect(adaptedModules(folder)).rejects.toThrow("no regular file");
});
