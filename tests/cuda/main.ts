// npm run -s test:cuda [NAME]: the GPU kernels, compiled by the C++ compiler and executed by the emulator (packages/engine/native/emulator),
// under the address and undefined-behaviour sanitizers. NAME picks test programs by a part of their name.
import { spawnSync } from "node:child_process";
import { buildSanitized, sanitizedBuild } from "../fuzz/build.ts";
import { closingLine, sumOfTests } from "../support/suite-result.ts";

const [name = ""] = process.argv.slice(2);
const started = Date.now();
await buildSanitized(["cuda_tests"]);
const built = Date.now();
const { status, stdout, stderr } = spawnSync(
  "ctest",
  ["--test-dir", sanitizedBuild, "-V", "-R", `^anneal_cuda.*${name.replace(/[^\w]/g, "")}`],
  { encoding: "utf8" },
);
console.log(stdout.replace(/^(?!\d+: ).*\n/gm, "").replace(/^\d+: /gm, ""));
const counts = sumOfTests({ code: status ?? 1, output: stdout });
if (counts.failed > 0) console.error(stderr);
const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1);
console.log(`built in ${seconds(started, built)} s, executed in ${seconds(built, Date.now())} s`);
console.log(closingLine(counts));
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
