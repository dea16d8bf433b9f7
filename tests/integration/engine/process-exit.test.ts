import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repoRoot } from "../../support/paths.ts";
import { modelDir } from "./support.ts";

// A program that leaves its session open; nothing of the engine may keep the process alive, or crash it on its way out.
const program = (last: string) => `
  import { openSession } from "@anneal/engine";
  const session = await openSession({
    base: { kind: "hf", dir: ${JSON.stringify(modelDir("llama"))} }, precision: "f32", seed: 1, method: { kind: "full" },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false, maxTokensPerMicroBatch: 64, maxSequenceTokens: 64,
  });
  const tokens = Int32Array.from({ length: 64 }, (_, i) => i);
  const batch = { tokens, labels: tokens, offsets: Int32Array.of(0, 64) };
  const step = () => session.step({ microBatches: [batch], learningRate: 1e-3, clipNorm: 1, step: 0 });
  await step();
  ${last}
`;

function run(last: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program(last)], {
      cwd: join(repoRoot, "tests"),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("close", (code) => resolve({ code, output }));
  });
}

describe("a process with a session", () => {
  it("ends by itself when the session is left open", async () => {
    expect(await run(`console.log("done");`)).toEqual({ code: 0, output: "done\n" });
  });

  it("waits for work under way, and ends after it", async () => {
    expect(await run(`step().then(() => console.log("stepped"));`)).toEqual({ code: 0, output: "stepped\n" });
  });

  it("can leave in the middle of a step", async () => {
    expect((await run("step(); process.exit(7);")).code).toBe(7);
  });

  it("refuses calls on a closed session instead of crashing", async () => {
    const { code, output } = await run(
      "await session.close(); await session.close(); await step().catch((e) => console.log(e.code));",
    );
    expect(code).toBe(0);
    expect(output).toMatch(/^ENGINE_\w+\n$/);
  });
});
