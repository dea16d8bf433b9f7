// dist/: the library and the command line, each as one file.
import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../../scripts/bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
// What npm installs for the library stays outside it: the caller's zod and tRPC are the same as ours.
await bundle({ absWorkingDir: root, entryPoints: ["src/index.ts"], outfile: "dist/index.mjs" });
// The command line starts fast and needs no node_modules beside it.
await bundle({
  absWorkingDir: root,
  entryPoints: ["src/cli/main.ts"],
  outfile: "dist/cli.mjs",
  plugins: [], // npm's packages go in too
  banner: {
    // Packages written for require() find one here.
    js: '#!/usr/bin/env node\nimport { createRequire as makeRequire } from "node:module";\nconst require = makeRequire(import.meta.url);',
  },
});
chmodSync(join(root, "dist/cli.mjs"), 0o755);
