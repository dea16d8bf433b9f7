// Bundles the programs that run beside the console (server/programs) into dist/. What npm installed stays outside.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const app = join(dirname(fileURLToPath(import.meta.url)), "..");
await build({
  absWorkingDir: app,
  entryPoints: { "speed-probe": "server/programs/speed-probe.ts", doctor: "server/programs/doctor.ts" },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  legalComments: "none",
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
