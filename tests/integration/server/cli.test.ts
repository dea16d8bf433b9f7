import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localClientFileName } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appendEvents } from "../../../packages/services/src/runs/append-events.ts";
import { tinyShape, writeTinyModel } from "../../support/model-files/tiny-model.ts";
import { repoRoot } from "../../support/paths.ts";
import { endProcess } from "../../support/worker-lab.ts";
import { openSite, type Site } from "./support.ts";

const program = join(repoRoot, "packages/sdk/dist/cli.mjs");
let site: Site;
beforeAll(async () => {
  if (!existsSync(program)) throw new Error("the command line is not built; run ./anneal setup first");
  site = await openSite();
});
afterAll(() => site?.close());

interface Said {
  code: number;
  out: string;
  err: string;
}
function start(
  args: string[],
  input: string,
  env: Record<string, string>,
): { child: ChildProcess; said: Promise<Said> } {
  const { ANNEAL_URL: _url, ANNEAL_TOKEN: _token, ...clean } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: site.lab.home,
    env: { ...clean, ANNEAL_HOME: site.lab.home, ...env },
  });
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (err += chunk));
  child.stdin?.end(input);
  const said = new Promise<Said>((resolve) => child.once("close", (code) => resolve({ code: code ?? -1, out, err })));
  return { child, said };
}
const anneal = (args: string[], input = "", env: Record<string, string> = {}) => start(args, input, env).said;
const json = async <T>(...args: string[]) => {
  const { code, out, err } = await anneal([...args, "--json"]);
  if (code !== 0) throw new Error(`anneal ${args.join(" ")} ended with ${code}: ${err}`);
  return JSON.parse(out) as T;
};

describe("finding the server", () => {
  test("needs no setting on its own machine; the token's file is for its owner only", async () => {
    expect(statSync(join(site.lab.home, localClientFileName)).mode & 0o777).toBe(0o600);
    expect(await anneal(["status"])).toMatchObject({ code: 0, out: expect.stringContaining(site.url) });
  });
  test("says how when there is none, or when the token is wrong", async () => {
    const nowhere = await anneal(["run", "list"], "", { ANNEAL_HOME: join(site.lab.home, "nowhere") });
    expect(nowhere).toMatchObject({ code: 7, err: expect.stringContaining("./anneal up") });
    const gone = await anneal(["run", "list"], "", { ANNEAL_URL: "http://127.0.0.1:9" });
    expect(gone).toMatchObject({ code: 7, err: expect.stringContaining("does not answer") });
    const wrong = await anneal(["run", "list"], "", { ANNEAL_URL: site.url, ANNEAL_TOKEN: "anl_wrong" });
    expect(wrong).toMatchObject({ code: 3, err: expect.stringContaining("remedy") });
  });
  test("help is help, and a mistyped command is the caller's mistake", async () => {
    expect(await anneal(["--help"])).toMatchObject({ code: 0, out: expect.stringContaining("Exit codes") });
    expect((await anneal(["run", "lst"])).code).toBe(2);
    expect((await anneal(["run", "get"])).code).toBe(2);
  });
});

test("datasets: upload with columns, bad lines by number, list, check, remove", async () => {
  const csv = join(site.lab.home, "bank.csv");
  writeFileSync(csv, 'text,category\n"where is my card?",card_arrival\nhello,greeting\n');
  const made = await anneal(["dataset", "upload", csv, "--name", "bank", "--map", "user=text,assistant=category"]);
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^bank, version 1: 2 rows/) });
  const bad = join(site.lab.home, "bad.jsonl");
  writeFileSync(bad, '{"prompt":"a","completion":"b"}\n{"prompt":\n{"prompt":"c","completion":"d"}\n');
  const refused = await anneal(["dataset", "upload", bad, "--name", "bad"]);
  expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/line 2.*[\s\S]*--skip-bad-lines/) });
  expect((await anneal(["dataset", "upload", bad, "--name", "bad", "--skip-bad-lines"])).code).toBe(0);
  const names = (await json<{ name: string }[]>("dataset", "list")).map(({ name }) => name);
  expect(names.sort()).toEqual(["bad", "bank", "colours"]);
  const check = await anneal(["dataset", "check", "bank", "--base", site.lab.model]);
  expect(check).toMatchObject({ code: 0, out: expect.stringContaining("[card_arrival") });
  expect(await anneal(["dataset", "check", "bnk", "--base", site.lab.model])).toMatchObject({
    code: 4,
    err: expect.stringContaining("bank"),
  });
  expect((await anneal(["dataset", "remove", "bad"])).code).toBe(0);
  const topics = join(site.lab.home, "topics.csv");
  writeFileSync(topics, "question,answer,topic,hint\nq,a,law,think\n");
  const open = await anneal(["dataset", "upload", topics, "--name", "topics"]);
  expect(open).toMatchObject({ code: 5, err: expect.stringContaining("--leave-out topic,hint") });
  const map = "user=question,assistant=answer,context=hint";
  const kept = await anneal(["dataset", "upload", topics, "--name", "topics", "--map", map, "--leave-out", "topic"]);
  expect(kept).toMatchObject({ code: 0, err: expect.stringContaining("left out") });
  const again = await anneal(["dataset", "upload", topics, "--name", "topics", "--map", map, "--leave-out", "topic"]);
  expect(again.out).toContain("version 1, which has these rows already");
  expect((await anneal(["dataset", "remove", "topics"])).code).toBe(0);
});

test("models: list, inspect, register; a foreign path is refused", async () => {
  expect(await json("model", "list")).toMatchObject([{ supported: true }]);
  expect((await anneal(["model", "inspect", "models/tiny"])).out).toContain("llama"); // relative to where one is
  expect((await anneal(["model", "register", site.lab.model, "--name", "tiny"])).out).toMatch(/^model:[0-9a-f-]{36}/);
  expect((await anneal(["model", "inspect", "/etc/passwd"])).code).toBe(2);
});

describe("runs", () => {
  const flags = () => [
    "--base",
    site.lab.model,
    "--dataset",
    "colours",
    "--max-steps",
    "3",
    "--max-sequence-tokens",
    "128",
  ];
  interface Run {
    id: string;
    status: string;
    spec: { method: { rank: number }; schedule: { warmupSteps: number }; epochs: number; maxSteps: number };
  }

  test("flags, a spec file and --set come together, later ones win; the same key makes one run", async () => {
    const yaml = `epochs: 2\nmethod: {kind: lora, rank: 4}\nschedule:\n  warmupSteps: 5\n`;
    const args = [
      "run",
      "create",
      ...flags(),
      "--spec",
      "-",
      "--rank",
      "8",
      "--set",
      "schedule.warmupSteps=1",
      "--idempotency-key",
      "once-only",
      "--json",
    ];
    const [first, second] = [await anneal(args, yaml), await anneal(args, yaml)];
    expect(first.err).toBe("");
    const run = JSON.parse(first.out) as Run;
    expect(run).toMatchObject({
      status: "queued",
      spec: { method: { rank: 8 }, schedule: { warmupSteps: 1 }, epochs: 2, maxSteps: 3 },
    });
    expect((JSON.parse(second.out) as Run).id).toBe(run.id);
    const other = await anneal([...args, "--seed", "9"], yaml);
    expect(other).toMatchObject({ code: 5, err: expect.stringContaining("CONFLICT") });
  });
  test.each([
    [["--rank", "many"], 2, "--rank"],
    [["--set", "nonsense"], 2, "--set"],
    [["--set", "method.rank=0"], 2, "method.rank"],
    [["--set", "foo.bar=1"], 2, "unknown field foo"],
    [["--set", "schedule.warmupStep=3"], 2, "unknown field schedule.warmupStep, did you mean warmupSteps?"],
    [["--set", "epochs=[1"], 2, "--set"],
    [["--precision", "f64"], 2, "--precision"],
    [["--method", "full", "--rank", "4"], 2, "--rank"],
    [["--dataset", "nothing"], 4, "dataset"],
    [["--base", "ollama:nothing"], 4, "base"],
    [["--set", "memoryBudgetBytes=1000000"], 6, "fit"],
  ] as const)("%j names the field and what to do", async (extra, code, named) => {
    const said = await anneal(["run", "create", ...flags(), ...extra]);
    expect(said).toMatchObject({ code, err: expect.stringContaining(named) });
  });
  test.each([
    ["epoch: 3", "unknown field epoch, did you mean epochs?"],
    ["lerningRate: 0.1", "did you mean learningRate?"],
    ['{"export": {"gguff": ["F16"]}}', "unknown field export.gguff, did you mean gguf?"],
  ])("a spec file with %s is refused", async (file, words) => {
    const said = await anneal(["run", "create", ...flags(), "--spec", "-"], file);
    expect(said).toMatchObject({ code: 2, err: expect.stringContaining(words) });
  });
  test("a base, a dataset and a run are named as people call them", async () => {
    expect((await anneal(["model", "register", site.lab.model, "--name", "called-tiny"])).code).toBe(0);
    const { id } = await json<Run>("run", "create", ...flags(), "--base", "called-tiny", "--name", "hansa one");
    const other = await json<Run>("run", "create", ...flags(), "--dataset", "colours@1", "--name", "hansa two");
    for (const named of [id, "hansa one", "hansa o", "one", id.slice(0, 23)])
      expect((await anneal(["run", "get", named])).out, named).toMatch(/base +called-tiny\n +dataset +colours@1/);
    const several = await anneal(["run", "get", "hansa"]);
    expect(several).toMatchObject({ code: 2, err: expect.stringContaining(id) });
    expect(several.err).toContain(other.id);
    for (const verb of ["pause", "resume", "cancel"]) expect((await anneal(["run", verb, "hansa two"])).code).toBe(0);
    expect((await anneal(["run", "create", ...flags(), "--base", "called-huge"])).code).toBe(4);
    expect((await anneal(["run", "cancel", "hansa one"])).code).toBe(0);
  });
  test("a plan tells what it needs and starts nothing", async () => {
    const before = await json<{ items: unknown[] }>("run", "list");
    expect(await anneal(["run", "create", ...flags(), "--plan"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("3 steps"),
    });
    expect((await json<{ items: unknown[] }>("run", "list")).items).toHaveLength(before.items.length);
  });
  test("get, pause, resume, cancel say the state; what is not possible is said", async () => {
    const { id } = await json<Run>("run", "create", ...flags());
    expect((await anneal(["run", "get", id])).out).toContain("queued");
    expect((await anneal(["run", "pause", id])).out).toContain("paused");
    expect((await anneal(["run", "save", id])).code).toBe(5);
    expect((await anneal(["run", "resume", id])).out).toContain("queued");
    expect((await anneal(["run", "cancel", id])).out).toContain("cancelled");
    expect((await anneal(["run", "watch", id])).code).toBe(9);
    expect((await anneal(["run", "get", "0191d2a0-0000-7000-8000-000000000000"])).code).toBe(4);
    expect(await anneal(["run", "get", "no-such"])).toMatchObject({
      code: 4,
      err: expect.stringContaining('there is no run "no-such"'),
    });
  });
  test("a key makes one run; where that was cancelled it says so and makes another, and removing frees it", async () => {
    const keyed = () => anneal(["run", "create", ...flags(), "--idempotency-key", "nightly-0001"]);
    const idOf = ({ out }: Said) => out.split(" ")[0] ?? "";
    const first = await keyed();
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(idOf(await keyed())).toBe(idOf(first));
    await anneal(["run", "cancel", idOf(first)]);
    const second = await keyed();
    expect(second).toMatchObject({ code: 0, err: expect.stringContaining(`${idOf(first)}, which is cancelled`) });
    expect(idOf(second)).not.toBe(idOf(first));
    expect(second.out).toContain("is queued");
    await anneal(["run", "cancel", idOf(second)]);
    await anneal(["run", "remove", idOf(second)]);
    const third = await keyed();
    expect(third).toMatchObject({ code: 0, err: "", out: expect.stringContaining("is queued") });
    await anneal(["run", "cancel", idOf(third)]);
  });
  test("answers stand in a table with the adapter that gave each, without what would steer the terminal", async () => {
    const { id } = await json<Run>("run", "create", ...flags());
    expect((await anneal(["run", "answers", id])).out).toContain("no sample answers yet");
    const said = { runId: id, step: 12, prompt: "which?", expected: "red" };
    await site.lab.ctx.db.insert(schema.samples).values([
      { ...said, position: 0, answer: "red\u001b[2J", adapter: "low" },
      { ...said, position: 1, answer: "blue" },
    ]);
    const { out } = await anneal(["run", "answers", id]);
    expect(out).toMatch(
      /STEP +ADAPTER +QUESTION +EXPECTED +ANSWER\n12 +low +which\? +red +red.*\n12 +- +which\? +red +blue/,
    );
    expect(out).not.toContain("\u001b");
    expect(await json<{ adapter: string | null }[]>("run", "answers", id)).toMatchObject([
      { adapter: "low" },
      { adapter: null },
    ]);
    await anneal(["run", "cancel", id]);
  });
  test("watching shows progress and loss; Ctrl-C detaches and the run stays", async () => {
    const { id } = await json<Run>("run", "create", ...flags());
    const { ctx } = site.lab;
    await ctx.db.transaction((tx) =>
      appendEvents(tx, id, 0, [
        { time: new Date(), body: { type: "metrics", step: 1, tokens: 10, values: { "train/loss": 2.5 } } },
        {
          time: new Date(),
          body: {
            type: "progress",
            progress: { stage: "train", step: 1, totalSteps: 3, fraction: 1 / 3, etaSeconds: 65, note: null },
          },
        },
      ]),
    );
    const { child, said } = start(["run", "watch", id], "", {});
    await new Promise<void>((resolve) =>
      child.stderr?.on("data", (chunk) => /loss 2\.5000/.test(String(chunk)) && resolve()),
    );
    child.kill("SIGINT");
    expect(await said).toMatchObject({
      code: 130,
      err: expect.stringMatching(/training.*33%.*step 1\/3.*1 min 05 s left[\s\S]*detached/),
    });
    expect((await json<Run>("run", "get", id)).status).toBe("queued");
  });
  test("watching ends with the run, and its exit code says how", async () => {
    const { id } = await json<Run>("run", "create", ...flags());
    const { said } = start(["run", "watch", id, "--json"], "", {});
    await site.lab.ctx.db.transaction(async (tx) => {
      const problem = { code: "INTERNAL" as const, field: null, message: "it broke\u001b[2J", remedy: "mend it" };
      await tx.update(schema.runs).set({ status: "failed", problem }).where(eq(schema.runs.id, id));
      await appendEvents(tx, id, 0, [{ time: new Date(), body: { type: "status", status: "failed", problem } }]);
    });
    const { code, out } = await said;
    expect(code).toBe(8);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({ id, status: "failed" });
    // Foreign text does not steer the terminal.
    expect((await anneal(["run", "get", id])).out).not.toContain("\u001b");
  });
});

test("tokens: made, used, listed without the secret, revoked", async () => {
  const token = (await anneal(["token", "create", "--name", "nightly", "--permissions", "runs:read"])).out.trim();
  expect(token).toMatch(/^anl_/);
  const env = { ANNEAL_URL: site.url, ANNEAL_TOKEN: token };
  expect((await anneal(["run", "list"], "", env)).code).toBe(0);
  expect((await anneal(["dataset", "list"], "", env)).code).toBe(3);
  const listed = await anneal(["token", "list", "--json"]);
  expect(listed.out).not.toContain(token);
  const id =
    (JSON.parse(listed.out) as { id: string; name: string }[]).find(({ name }) => name === "nightly")?.id ?? "";
  expect((await anneal(["token", "revoke", id])).code).toBe(0);
  expect((await anneal(["run", "list"], "", env)).code).toBe(3);
});

test("a teacher's file: made, listed, learnt from by name, kept while a run needs it, removed", async () => {
  const teacher = join(site.lab.home, "models/teacher");
  mkdirSync(teacher);
  writeTinyModel(teacher, { ...tinyShape, hidden: 96, layers: 3 });
  const worker = site.lab.startWorker();
  const make = ["teacher", "make", "--model", "models/teacher", "--dataset", "colours", "--name", "taught"];
  const made = await anneal([...make, "--top-k", "8", "--max-sequence-tokens", "256"]);
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/taught is ready: best 8 .* 96 rows, .* sha256:/) });
  await endProcess(worker, "SIGTERM");
  const [file] = await json<{ id: string; status: string; topK: number }[]>("teacher", "list");
  expect(file).toMatchObject({ status: "ready", topK: 8 });
  expect(await anneal([...make, "--top-k", "many"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("--top-k"),
  });
  expect(await anneal([...make, "--top-k", "260"])).toMatchObject({ code: 2, err: expect.stringContaining("topK") });
  const create = ["run", "create", "--base", site.lab.model, "--dataset", "colours", "--max-sequence-tokens", "256"];
  const unknown = await anneal([...create, "--teacher-file", "nobody"]);
  expect(unknown).toMatchObject({ code: 4, err: expect.stringMatching(/nobody[\s\S]*taught/) });
  const run = await json<{ id: string; spec: { objective: object } }>(...create, "--teacher-file", "taught");
  expect(run.spec.objective).toMatchObject({ kind: "distill", teacher: null, teacherFile: file?.id });
  expect(await anneal(["teacher", "remove", "taught"])).toMatchObject({
    err: expect.stringContaining("1 unfinished run"),
  });
  expect((await anneal(["run", "cancel", run.id])).code).toBe(0);
  expect((await anneal(["teacher", "remove", "taught"])).code).toBe(0);
  expect(await json("teacher", "list")).toEqual([]);
});
