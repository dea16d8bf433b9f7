// npm run -s bench -- [NAME...] [--json FILE]   Measures this machine; prints a table of figures and ratios.
import { writeFileSync } from "node:fs";
import type { BenchRow } from "./types.ts";

const benches: Record<string, { about: string; load: () => Promise<{ run: () => AsyncIterable<BenchRow> }> }> = {
  adapters: {
    about: "sixteen adapters side by side, memory and tokens/s against one",
    load: () => import("./adapters.ts"),
  },
  gemm: {
    about: "GEMM GFLOP/s against the measured peaks and OpenBLAS (ANNEAL_PEER_PYTHON with numpy)",
    load: () => import("./gemm.ts"),
  },
  lora: { about: "LoRA step tokens/s against PyTorch + PEFT (ANNEAL_PEER_PYTHON)", load: () => import("./lora.ts") },
  memory: {
    about: "quantised bases and peak memory, against a bf16 base and PyTorch + PEFT",
    load: () => import("./memory.ts"),
  },
  packing: { about: "rows packed against rows padded, tokens/s", load: () => import("./packing.ts") },
  quantisers: {
    about: "error of our quantisers against llama.cpp's own (ANNEAL_LLAMA_QUANTIZE)",
    load: () => import("./quantisers.ts"),
  },
  search: {
    about: "regret of the samplers of sweeps against Optuna (ANNEAL_PEER_PYTHON with optuna)",
    load: () => import("./search.ts"),
  },
  submit: { about: "from a submitted run to a warm worker that has it", load: () => import("./submit.ts") },
  prefill: { about: "prompt tokens/s against llama.cpp", load: () => import("./prefill.ts") },
  decode: { about: "generation tokens/s against llama.cpp", load: () => import("./decode.ts") },
};

const args = process.argv.slice(2);
if (args.includes("--help")) {
  console.log("Usage: npm run -s bench -- [NAME...] [--json FILE]\n");
  for (const [name, { about }] of Object.entries(benches)) console.log(`  ${name.padEnd(10)} ${about}`);
  process.exit(0);
}
const jsonAt = args.indexOf("--json");
const jsonFile = jsonAt >= 0 ? args[jsonAt + 1] : undefined;
if (jsonAt >= 0 && !jsonFile) {
  console.error("--json needs a file name");
  process.exit(2);
}
const names = args.filter((_, i) => jsonAt < 0 || (i !== jsonAt && i !== jsonAt + 1));
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`no bench named ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}

const figure = (v: number | null) => (v === null ? "-" : v >= 100 ? v.toFixed(0) : v.toPrecision(3));
const rows: BenchRow[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (names.length > 0 && !names.includes(name)) continue;
  for await (const row of (await bench.load()).run()) {
    rows.push(row);
    const peer = row.peer ? `${row.peer} ${figure(row.peerValue)}` : "no peer here";
    console.log(
      `${row.name.padEnd(44)} ${figure(row.value).padStart(8)} ${row.unit.padEnd(10)} ${peer.padEnd(36)} ratio ${figure(row.ratio)}`,
    );
  }
}
if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify(rows, null, 2)}\n`);
