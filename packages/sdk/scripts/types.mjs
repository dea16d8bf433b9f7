// Declarations of the library for dist/types: its own and the contracts', which refer to each other by path.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const types = join(root, "dist/types");
rmSync(types, { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.types.json")], { stdio: "inherit" });

const contracts = join(types, "contracts/src/index.d.ts");
for (const name of readdirSync(types, { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".d.ts")) continue;
  const file = join(types, name);
  const to = relative(dirname(file), contracts);
  writeFileSync(
    file,
    readFileSync(file, "utf8")
      .replaceAll('"@anneal/contracts"', `"${to.startsWith(".") ? to : `./${to}`}"`)
      // Readers look for the declarations of what they would import at run time.
      .replace(/(from|import\()(\s*)"(\.[^"]*?)(?:\.d)?\.ts"/g, '$1$2"$3.js"'),
  );
}
