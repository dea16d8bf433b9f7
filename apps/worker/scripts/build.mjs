// Bundles the worker's programs into dist/ (or the folder given). The workspace's own packages go in; what npm
// installed stays outside.
import { rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const app = join(dirname(fileURLToPath(import.meta.url)), "..");
const outdir = resolve(process.argv[2] ?? join(app, "dist"));
rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: app,
  entryPoints: {
    supervisor: "src/supervisor/main.ts",
    start: "src/supervisor/start.ts", // for programs that start everything themselves (demo/run.ts)
    worker: "src/main.ts",
    trainer: "src/trainer/main.ts",
  },
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
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
