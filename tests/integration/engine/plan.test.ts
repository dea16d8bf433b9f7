// The plan against the peak that processes of their own really took; `npm run -s plan-check` runs every cell.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planCells } from "../../plan/cells.ts";
import { Models } from "../../plan/models.ts";
import { type Bench, most, prepareCells, runCell } from "../../plan/run-cell.ts";

const folder = mkdtempSync(join(tmpdir(), "anneal-plan-"));
let bench: Bench;
beforeAll(async () => {
  bench = await prepareCells(folder);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cells = planCells(new Models(folder));
const chosen = [
  "gemma3: LoRA, bf16",
  "deepseek_v2: full, f32, 256 x 2",
  "llama 40M: full, bf16, 8-bit AdamW",
  "llama 40M: LoRA over nf4, bf16",
  "llama 40M: DPO, full, bf16",
];

describe("planned bytes", () => {
  it.each(chosen)(
    "lie within 10 % of the measured peak, at most 3 % below it: %s",
    { timeout: 120_000 },
    async (name) => {
      const cell = cells.find((one) => one.name === name);
      if (!cell) throw new Error(`the plan check has no cell named ${name}`);
      const { ratio } = runCell(bench, await cell.spec());
      expect(ratio).toBeLessThanOrEqual(1 + most.above);
      expect(ratio).toBeGreaterThanOrEqual(1 - most.below);
    },
  );
});
