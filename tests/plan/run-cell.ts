import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TrainingSpec } from "@anneal/engine";
import { build } from "esbuild";
import { repoRoot } from "../support/paths.ts";

/** How far the plan may lie from the measured peak, as shares of the peak. */
export const most = { above: 0.1, below: 0.03 };

export interface CellResult {
  planned: number;
  peak: number;
  ratio: number;
  parts: Record<string, number>;
}

/** The cell as a bundle, as the trainer is delivered: a loader of TypeScript would be measured too. */
export async function buildCell(): Promise<string> {
  const cache = join(repoRoot, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "anneal-plan-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "cell.mjs");
  await build({
    entryPoints: [join(repoRoot, "tests/plan/cell.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "warning",
    plugins: [
      {
        name: "npm-packages-stay-outside",
        setup(bundler) {
          bundler.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === "entry-point" || path.startsWith("@anneal/") ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  return outfile;
}

export function runCell(program: string, spec: TrainingSpec): CellResult {
  const output = execFileSync(process.execPath, ["--max-old-space-size=4096", program, JSON.stringify(spec)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const result = JSON.parse(output) as { planned: number; peak: number; parts: Record<string, number> };
  return { ...result, ratio: result.planned / result.peak };
}
