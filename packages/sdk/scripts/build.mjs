// The command line as one file: it starts fast and needs no node_modules beside it.
import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../../scripts/bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
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
