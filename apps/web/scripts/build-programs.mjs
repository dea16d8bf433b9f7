// Bundles the programs that run beside the console (server/programs) into dist/.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../../scripts/bundle.mjs";

await bundle({
  absWorkingDir: join(dirname(fileURLToPath(import.meta.url)), ".."),
  entryPoints: {
    console: "server/programs/console.ts",
    "speed-probe": "server/programs/speed-probe.ts",
    doctor: "server/programs/doctor.ts",
    "text-thread": "../../packages/text/src/thread/main.ts",
  },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
});
