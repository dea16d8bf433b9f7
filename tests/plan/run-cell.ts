import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { importVersion } from "@anneal/data";
import type { TrainingSpec } from "@anneal/engine";
import { trainerArguments } from "../../apps/worker/src/engine-host/trainer-process.ts";
import { bundleProgram } from "../support/bundle-program.ts";

/** How far the plan may lie from the measured peak, as shares of the peak. */
export const most = { above: 0.1, below: 0.03 };

export interface CellResult {
  planned: number;
  peak: number;
  ratio: number;
  parts: Record<string, number>;
  opened: number; // resident when the session was open
  trained: number; // the peak after a step
}
export interface Bench {
  program: string;
  dataset: string;
  folder: string;
}

/** The cell's program, and rows for it to read. */
export async function prepareCells(folder: string): Promise<Bench> {
  const program = await bundleProgram("tests/plan/cell.ts");
  const rows = Array.from({ length: 2000 }, (_, i) =>
    JSON.stringify({
      messages: [
        {
          role: "user",
          content: `What became of transfer ${i * 7919} to account ${i * 104_729}? It was sent ${i} days ago.`,
        },
        { role: "assistant", content: `Transfer ${i * 7919} is on its way.` },
      ],
    }),
  );
  const file = join(folder, "rows.jsonl");
  writeFileSync(file, rows.join("\n"));
  const { path } = await importVersion(file, { fileName: "rows.jsonl", skipBadLines: false, folder });
  return { program, dataset: path, folder };
}

export function runCell({ program, dataset, folder }: Bench, spec: TrainingSpec): CellResult {
  const request = JSON.stringify({ spec, dataset, folder });
  const output = execFileSync(process.execPath, [...trainerArguments, program, request], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const result = JSON.parse(output) as Omit<CellResult, "ratio">;
  return { ...result, ratio: result.planned / result.peak };
}
