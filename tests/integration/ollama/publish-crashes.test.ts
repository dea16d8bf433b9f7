import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { publish, publishPhases, reconcile } from "@anneal/ollama";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordedModels } from "../../support/ollama-standin/recorded/recorded-models.ts";
import { modelBytes } from "../../support/ollama-standin/recorded/write-model.ts";
import { repoRoot } from "../../support/paths.ts";
import { type Bench, onStandin, openBench, optionsFor } from "./support.ts";

// A file of its own for each kill, so that every one goes through the upload.
const newModel = (label: string): Buffer => modelBytes({ type: "F16", fileType: 1, name: label });
const child = join(repoRoot, "tests/integration/ollama/publish-child.ts");

function publishInChild(
  bench: Bench,
  name: string,
  file: string,
  where: string,
  log: string,
): Promise<{ signal: string | null; code: number | null }> {
  return new Promise((resolve, reject) => {
    const started = spawn(process.execPath, ["--import", "tsx", child, bench.url, name, file, where, log], {
      cwd: repoRoot,
      stdio: ["ignore", "ignore", "inherit"],
    });
    started.once("error", reject);
    started.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

describe("a publishing process killed on its way", () => {
  let bench: Bench;
  let old: string;
  const kills = [...publishPhases, "create:3", "create:6"];
  beforeAll(async () => {
    bench = await openBench({ answers: "marked" });
    old = await bench.file("old", recordedModels.tpl_chatml?.() ?? Buffer.alloc(0));
  });
  afterAll(() => bench.close());

  it.each(kills)("at %s: the name always stands for a whole model, and publishing again ends it", async (where) => {
    const label = `killed-${where.replace(":", "-")}`;
    const name = bench.name(label);
    const file = await bench.file(label, newModel(label));
    const before = await publish(optionsFor(name, old), { client: bench.client });
    const log = join(bench.folder, `${label}.log`);
    const end = await publishInChild(bench, name, file, where, log);
    expect(end.signal).toBe("SIGKILL");
    expect(readFileSync(log, "utf8")).toBe(`${where}\n`);
    const digest = async () => (await bench.client.tags()).find((model) => model.name === `${name}:latest`)?.digest;
    const atCrash = await digest();
    const result = await publish(optionsFor(name, file), { client: bench.client });
    // Only past the change of name may the new model stand there.
    expect(atCrash).toBe(where === "clean" ? result.digest : before.digest);
    expect(await digest()).toBe(result.digest);
    expect(result.previousDigest).toBe(before.digest);
    const left = (await bench.listed(label)).filter((listed) => !listed.includes("anneal-previous"));
    expect(left).toEqual([`${name}:latest`]);
    const report = await reconcile(bench.client, [{ id: "x", name, digest: result.digest }]);
    expect(report.present).toHaveLength(1);
  });

  it.runIf(onStandin)("between the two copies of the change of name", async () => {
    const name = bench.name("between");
    const file = await bench.file("between", newModel("between"));
    const before = await publish(optionsFor(name, old), { client: bench.client });
    const copies = 2;
    bench.standin?.faults.add(`POST /api/copy#${copies}=refuse`);
    await expect(publish(optionsFor(name, file), { client: bench.client })).rejects.toMatchObject({
      code: "OLLAMA_UNREACHABLE",
    });
    bench.standin?.faults.clear();
    const result = await publish(optionsFor(name, file), { client: bench.client });
    expect(result.previousDigest).toBe(before.digest);
    expect((await bench.listed("between")).filter((listed) => !listed.includes("previous"))).toEqual([
      `${name}:latest`,
    ]);
  });

  it.runIf(onStandin)("leaves no half-written file in the store", async () => {
    const blobs = await readdir(join(bench.standin?.models ?? "", "blobs"));
    expect(blobs.filter((name) => !/^sha256-[0-9a-f]{64}$/.test(name))).toEqual([]);
  });
});
