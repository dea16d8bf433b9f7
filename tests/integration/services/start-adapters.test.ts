// What a run goes on from is held against its base before anything is queued: each refusal names the spec's field, the cause and a remedy.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunSpec, type RunSpecInput } from "@anneal/contracts";
import { runs } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { caseFolder } from "../cases/support.ts";
import { makeDataset, openWorld, problemOf, type World } from "./world.ts";

let world: World;
let models = "";
let dataset = "";
const plain = join(caseFolder("adapter-of-another-shape"), "plain");
beforeAll(async () => {
  world = await openWorld();
  models = join(world.model, "..");
  cpSync(join(caseFolder("adapter-of-another-shape"), "base"), join(models, "base"), { recursive: true });
  for (const name of ["plain", "rank-pattern", "whole-head"])
    cpSync(join(caseFolder("adapter-of-another-shape"), name), join(models, name), { recursive: true });
  dataset = await makeDataset(world.ctx, "rows", readFileSync(join(plain, "..", "train.jsonl"), "utf8"));
});
afterAll(() => world.close());

const spec = (startFrom: string, changes: Partial<RunSpecInput> = {}) =>
  RunSpec.parse({
    base: join(models, "base"),
    dataset,
    precision: "f32",
    maxSequenceTokens: 256,
    evaluation: { heldOutFraction: 0 },
    method: { kind: "lora", rank: 8, alpha: 16, startFrom },
    ...changes,
  });
let folders = 0;
function folder(write: (dir: string) => void): string {
  const dir = join(models, `adapter-${folders++}`);
  cpSync(plain, dir, { recursive: true });
  write(dir);
  return dir;
}
const config = (changes: Record<string, unknown>) =>
  folder((dir) => {
    const path = join(dir, "adapter_config.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...changes }));
  });

test("what fits has a plan, patterns and all; nothing is said about a base of the same name", async () => {
  for (const name of ["plain", "rank-pattern"]) {
    const { problems, warnings } = await runs.plan(world.ctx, { spec: spec(join(models, name)) });
    expect({ problems, warnings }).toEqual({ problems: [], warnings: [] });
  }
});

test("what cannot be continued is refused with the field, the cause and a remedy", async () => {
  const refused: [string, RegExp, RegExp][] = [
    [join(models, "whole-head"), /field "modules_to_save"/, /without modules_to_save/],
    [config({ peft_type: "IA3" }), /must be LORA, found "IA3"/, /LoRA or DoRA/],
    [config({ r: 4.5 }), /field "r": must be a whole number/, /export the adapter again/],
    [config({ r: "8" }), /field "r": must be a whole number/, /export the adapter again/],
    [config({ lora_alpha: null }), /field "lora_alpha"/, /export the adapter again/],
    [config({ rank_pattern: { "(q|k)_proj": 4 } }), /field "rank_pattern"/, /without rank_pattern/],
    [config({ target_modules: ["k_proj"] }), /field "target_modules"/, /export the adapter again/],
    [folder((dir) => writeFileSync(join(dir, "adapter_config.json"), "r: 8")), /JSON/, /export the adapter again/],
    [folder((dir) => rmSync(join(dir, "adapter_config.json"))), /adapter_config\.json/, /name a PEFT folder/],
    [
      folder((dir) => {
        rmSync(join(dir, "adapter_model.safetensors"));
        writeFileSync(join(dir, "adapter_model.bin"), Buffer.from([0x80, 2, 0x2e]));
      }),
      /is a PyTorch pickle/,
      /as safetensors/,
    ],
    [
      folder((dir) =>
        writeFileSync(join(dir, "adapter_model.safetensors"), "version https://git-lfs.github.com/spec/v1\n"),
      ),
      /a Git LFS pointer/,
      /fetch it again/,
    ],
  ];
  for (const [startFrom, message, remedy] of refused)
    expect(await problemOf(runs.create(world.ctx, { spec: spec(startFrom) })), String(message)).toMatchObject({
      field: "method.startFrom",
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy),
    });
  const side = {
    method: { kind: "lora" as const },
    adapters: [{ name: "a" }, { name: "b", startFrom: join(models, "whole-head") }],
  };
  expect(await problemOf(runs.plan(world.ctx, { spec: spec("", side) }))).toMatchObject({
    field: "adapters.1.startFrom",
  });
});

test("an adapter of another base is refused by its shapes, and named where only its name differs", async () => {
  const other = await problemOf(runs.create(world.ctx, { spec: spec(join(models, "plain"), { base: world.model }) }));
  expect(other).toMatchObject({
    field: "method.startFrom",
    message: expect.stringMatching(/this base (needs|does not have)|the base has/),
    remedy: expect.stringContaining("the base model that the adapter was trained on"),
  });
  const renamed = config({ base_model_name_or_path: "somebody/Another-1B" });
  const { problems, warnings } = await runs.plan(world.ctx, { spec: spec(renamed) });
  expect(problems).toEqual([]);
  expect(warnings).toMatchObject([
    { field: "method.startFrom", message: expect.stringContaining("somebody/Another-1B") },
  ]);
  for (const same of ["/elsewhere/base/", "hub/Base", "base:latest", "base.Q4_K_M.gguf", ""])
    expect((await runs.plan(world.ctx, { spec: spec(config({ base_model_name_or_path: same })) })).warnings).toEqual(
      [],
    );
});

test("a pipe in a file's place is refused at once, four times over and the thread pool lives", async () => {
  for (const name of [
    "adapter_config.json",
    "adapter_model.safetensors",
    "adapter_config.json",
    "adapter_config.json",
  ]) {
    const dir = folder((at) => {
      rmSync(join(at, name));
      execFileSync("mkfifo", [join(at, name)]);
    });
    expect(await problemOf(runs.plan(world.ctx, { spec: spec(dir) }))).toMatchObject({
      field: "method.startFrom",
      message: expect.stringContaining("is no regular file"),
    });
  }
});

test("whether something exists outside the allowed folders is not told", async () => {
  mkdirSync(join(world.home, "secret"), { recursive: true });
  expect(existsSync(join(world.home, "secret"))).toBe(true);
  const problems = await Promise.all(
    ["secret", "nothing-here"].map((name) => problemOf(runs.plan(world.ctx, { spec: spec(join(world.home, name)) }))),
  );
  const bare = problems.map(({ code, field, message }) => ({
    code,
    field,
    message: String(message).replace(/secret|nothing-here/, "NAME"),
  }));
  expect(bare[0]).toMatchObject({ code: "INVALID_INPUT", field: "method.startFrom" });
  expect(bare[1]).toEqual(bare[0]);
});
