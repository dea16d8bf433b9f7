// The client as another project has it: packed, installed by npm in an empty folder, type-checked and run there.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repoRoot } from "../../support/paths.ts";
import { openSite, type Site } from "./support.ts";

const run = promisify(execFile);

const script = `
import { type AnnealClient, createAnnealClient, problemOf, type RunSummary, uploadDataset, watchRun } from "@anneal/sdk";

const connection = { url: process.env.ANNEAL_URL ?? "", token: process.env.ANNEAL_TOKEN };
const client: AnnealClient = createAnnealClient(connection);
const { uploadId, guess } = await uploadDataset(connection, "rows.jsonl");
const { versionId } = await client.datasets.commit.mutate({ uploadId, name: "packed" });
const { rows, total } = await client.datasets.rows.query({ versionId, limit: 1 });
const runs: RunSummary[] = (await client.runs.list.query()).items;
const none = "00000000-0000-0000-0000-000000000000";
const refused = await client.runs.get.query({ runId: none }).then(() => null, problemOf);
let watched: string | null = null;
try {
  for await (const event of watchRun(client, none)) watched = event.body.type;
} catch (error) {
  watched = problemOf(error).code;
}
console.log(JSON.stringify({ format: guess.format, rows: rows.length, total, runs: runs.length, refused: refused?.code, watched }));
`;
const wrong = `
import { createAnnealClient } from "@anneal/sdk";
const client = createAnnealClient({ url: "" });
const name: number = (await client.runs.get.query({ runId: "" })).name;
await client.runs.get.query({ run: "" });
await client.runs.forget.mutate({ runId: "" });
`;

let folder: string;
let site: Site;

beforeAll(async () => {
  site = await openSite();
  folder = mkdtempSync(join(tmpdir(), "packed-sdk-"));
  await run("npm", ["pack", "--pack-destination", folder], { cwd: join(repoRoot, "packages/sdk") });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "other", private: true, type: "module" }));
  const packed = join(folder, "anneal-sdk-0.1.0.tgz");
  await run("npm", ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", packed], {
    cwd: folder,
  });
  writeFileSync(
    join(folder, "rows.jsonl"),
    '{"prompt": "one", "response": "two"}\n{"prompt": "three", "response": "four"}\n',
  );
});
afterAll(async () => {
  await site?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** The type checker over a file of the other project, which has no types but the packed ones and Node's. */
const check = (file: string) =>
  run(
    process.execPath,
    [
      join(repoRoot, "node_modules/typescript/bin/tsc"),
      ...["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"],
      ...["--types", "node", "--typeRoots", join(repoRoot, "node_modules/@types"), file],
    ],
    { cwd: folder },
  ).then(
    () => "",
    (error) => String(error.stdout),
  );

describe("the packed client", () => {
  it("calls a running server, streams included", async () => {
    writeFileSync(join(folder, "use.ts"), script);
    expect(await check("use.ts")).toBe("");
    const { stdout } = await run(
      "node",
      ["--import", join(repoRoot, "node_modules/tsx/dist/esm/index.mjs"), "use.ts"],
      {
        cwd: folder,
        env: {
          ...process.env,
          ANNEAL_URL: site.url,
          ANNEAL_TOKEN: await site.newToken("datasets:read", "datasets:write", "runs:read"),
        },
      },
    );
    expect(JSON.parse(stdout)).toEqual({
      format: expect.any(String),
      rows: 1,
      total: 2,
      runs: 0,
      refused: "NOT_FOUND",
      watched: "NOT_FOUND",
    });
  });

  it("types what goes in and what comes out", async () => {
    writeFileSync(join(folder, "wrong.ts"), wrong);
    const said = await check("wrong.ts");
    expect(said.match(/wrong\.ts\(\d+,/g)).toEqual(["wrong.ts(4,", "wrong.ts(5,", "wrong.ts(6,"]);
    expect(said).toContain("Type 'string' is not assignable to type 'number'");
  });

  it("brings the command line", async () => {
    const { stdout } = await run(join(folder, "node_modules/.bin/anneal"), ["status", "--json"], {
      cwd: folder,
      env: { ...process.env, ANNEAL_URL: site.url, ANNEAL_TOKEN: await site.newToken("system:read") },
    });
    expect(JSON.parse(stdout)).toMatchObject({ version: "0.1.0" });
  });
});
