// GEMM of a training step's shapes against what the registers of this machine can do and against OpenBLAS, in turns, by as many threads.
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../support/paths.ts";
import { LineProcess } from "./support/line-process.ts";
import { median } from "./support/median.ts";
import { takeTurns } from "./support/turns.ts";
import type { BenchRow } from "./types.ts";

const rounds = 15;

interface Product {
  name: string;
  form: string;
  m: number;
  n: number;
  k: number;
}
interface Turn {
  isa: string;
  gflops: number;
  peaks: { of: string; gflops: number }[];
}

function build(): string {
  const folder = join(repoRoot, "packages/engine/build-tests");
  const cmake = (...args: string[]) => execFileSync("cmake", args, { stdio: ["ignore", "ignore", "inherit"] });
  const source = join(repoRoot, "packages/engine/native");
  cmake("-S", source, "-B", folder, "-DANNEAL_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release");
  cmake("--build", folder, "-j", String(cpus().length), "--target", "gemm_bench");
  return join(folder, "bench/gemm_bench");
}

async function* rowsOf(
  ours: LineProcess<Turn>,
  openBlas: LineProcess<{ gflops: number }> | null,
  product: Product,
  ask: string,
  title: string,
): AsyncGenerator<BenchRow> {
  const [turns, peerTurns] = await takeTurns(
    rounds,
    () => ours.ask(ask),
    async () => openBlas?.ask(JSON.stringify(product)),
  );
  const first = turns[0] as Turn;
  const value = median(turns.map(({ gflops }) => gflops));
  const row = { name: `gemm ${title}, ${first.isa}`, value, unit: "GFLOP/s" };
  const peers = first.peaks.map(({ of }, i) => ({
    peer: `${of} peak`,
    peerValue: median(turns.map(({ peaks }) => peaks[i]?.gflops ?? Number.NaN)),
  }));
  const blas = peerTurns.flatMap((turn) => turn?.gflops ?? []);
  if (blas.length > 0) peers.push({ peer: "OpenBLAS", peerValue: median(blas) });
  if (peers.length === 0) yield { ...row, peer: null, peerValue: null, ratio: null };
  for (const { peer, peerValue } of peers) yield { ...row, peer, peerValue, ratio: value / peerValue };
}

export async function* run(): AsyncGenerator<BenchRow> {
  const program = build();
  const python = process.env.ANNEAL_PEER_PYTHON;
  for (const threads of new Set([1, cpus().length])) {
    const ours = new LineProcess<Turn>(program, [String(threads)]);
    const openBlas = python
      ? new LineProcess<{ gflops: number }>(python, [join(repoRoot, "tests/bench/peers/gemm.py"), String(threads)])
      : null;
    const products = await ours.next<Product[]>();
    for (const type of ["f32", "bf16"])
      for (const [i, product] of products.entries()) {
        const title = `${type}, ${product.name}, ${threads} thread${threads > 1 ? "s" : ""}`;
        yield* rowsOf(ours, type === "f32" ? openBlas : null, product, `${i} ${type}`, title);
      }
    ours.end();
    openBlas?.end();
  }
}
