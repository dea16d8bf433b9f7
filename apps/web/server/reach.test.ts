import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { annealVersion } from "@anneal/contracts";
import { build } from "esbuild";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Files of ours that a program holds; imports of types alone are gone by then. */
async function filesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    outdir: "unused",
    logLevel: "error",
    plugins: [
      {
        name: "npm-packages-stay-outside",
        setup: (bundler) =>
          bundler.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === "entry-point" || path.startsWith("@anneal/") ? undefined : { path, external: true },
          ),
      },
    ],
  });
  return Object.keys(metafile.inputs).filter((path) => path.startsWith("packages/"));
}
const ofModelsOrRows = (files: string[]) =>
  files.filter((path) => /^packages\/(engine|text|data)\//.test(path) && !path.endsWith("/version-file.ts"));

it("the console holds neither engine, tokenizer nor reader of rows; a worker does (negative control)", async () => {
  expect(ofModelsOrRows(await filesOf("apps/web/server/router.ts"))).toEqual([]);
  expect(ofModelsOrRows(await filesOf("apps/web/server/start.ts"))).toEqual([]);
  expect(ofModelsOrRows(await filesOf("apps/worker/src/main.ts")).length).toBeGreaterThan(50);
});

it("says the version of package.json", () => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(manifest).toMatchObject({ version: annealVersion });
});
