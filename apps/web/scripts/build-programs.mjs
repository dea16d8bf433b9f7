// Bundles the programs that run beside the console (server/programs) into dist/.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../../scripts/bundle.mjs";

await bundle({
  absWorkingDir: join(dirname(fileURLToPath(import.meta.url)), ".."),
  entryPoints: {
    console: "server/programs/console.ts",
    doctor: "server/programs/doctor.ts",
  },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
});
