// GEMM of a training step's shapes against what the registers of this machine can do, measured in turns by the same threads.
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { repoRoot } from "../support/paths.ts";
import type { BenchRow } from "./types.ts";

const Line = z.object({
  name: z.string(),
  dtype: z.enum(["f32", "bf16"]),
  isa: z.string(),
  threads: z.number(),
  gflops: z.number(),
  peaks: z.array(z.object({ of: z.string(), gflops: z.number() })),
});

function build(): string {
  const folder = join(repoRoot, "packages/engine/build-tests");
  const cmake = (...args: string[]) => execFileSync("cmake", args, { stdio: ["ignore", "ignore", "inherit"] });
  const source = join(repoRoot, "packages/engine/native");
  cmake("-S", source, "-B", folder, "-DANNEAL_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release");
  cmake("--build", folder, "-j", String(cpus().length), "--target", "gemm_bench");
  return join(folder, "bench/gemm_bench");
}

export async function* run(): AsyncGenerator<BenchRow> {
  const program = build();
  for (const threads of new Set([1, cpus().length])) {
    const output = execFileSync(program, [String(threads)], { encoding: "utf8" });
    for (const text of output.trim().split("\n")) {
      const { name, dtype, isa, gflops, peaks } = Line.parse(JSON.parse(text));
      const row = { name: `gemm ${dtype}, ${name}, ${threads} thread${threads > 1 ? "s" : ""}, ${isa}`, value: gflops };
      if (peaks.length === 0) yield { ...row, unit: "GFLOP/s", peer: null, peerValue: null, ratio: null };
      for (const { of, gflops: peak } of peaks)
        yield { ...row, unit: "GFLOP/s", peer: `${of} peak`, peerValue: peak, ratio: gflops / peak };
    }
  }
}
