// Bundles the worker's programs into dist/ (or the folder given).
import { rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../../scripts/bundle.mjs";

const app = join(dirname(fileURLToPath(import.meta.url)), "..");
const outdir = resolve(process.argv[2] ?? join(app, "dist"));
rmSync(outdir, { recursive: true, force: true });
await bundle({
  absWorkingDir: app,
  entryPoints: {
    supervisor: "src/supervisor/main.ts",
    start: "src/supervisor/start.ts", // for programs that start everything themselves (demo/run.ts)
    worker: "src/main.ts",
    join: "src/join.ts",
    trainer: "src/trainer/main.ts",
    "speed-probe": "src/work/speed-probe.ts",
    "text-thread": "../../packages/text/src/thread/main.ts",
  },
  outdir,
  outExtension: { ".js": ".mjs" },
  sourcemap: true,
});
