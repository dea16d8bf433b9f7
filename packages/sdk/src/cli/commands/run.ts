import {
  BaseStorage,
  finalStatuses,
  GgufType,
  issueProblem,
  objectiveKinds,
  optimizerKinds,
  type PlannedTime,
  Precision,
  PresetName,
  type RunDetail,
  RunSpec,
  ServiceError,
} from "@anneal/contracts";
import { type Command, Option } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { modelNames, runId } from "../names.ts";
import { openSession, type Session } from "../session.ts";
import { isTree, merge, readSpecFile, resolveNames, type Tree } from "../spec.ts";
import { type CreateFlags, specOfFlags } from "../spec-flags.ts";
import { runSummary } from "../summary.ts";
import { bytes, day, duration, oneLine, percent, table } from "../terminal.ts";
import { watchUntilEnd } from "../watch-run.ts";
import { addRunReport } from "./run-report.ts";

const collect = (value: string, all: string[]) => [...all, value];

// `--set method.rank=8` alone means the usual method.
const withMethodKind = (spec: Tree): Tree =>
  isTree(spec.method) ? { ...spec, method: merge({ kind: "lora" }, spec.method) } : spec;

async function buildSpec(session: Session, flags: CreateFlags): Promise<Tree> {
  const presets = flags.preset ? await session.client.runs.presets.query() : [];
  const preset = presets.find(({ name }) => name === flags.preset);
  if (flags.preset && !preset)
    throw new ServiceError("NOT_FOUND", `there is no preset "${flags.preset}"`, {
      field: "--preset",
      remedy: `choose one of ${presets.map(({ name }) => name).join(", ")}`,
    });
  const spec = withMethodKind(
    merge(preset?.spec ?? {}, flags.spec ? readSpecFile(flags.spec) : {}, specOfFlags(flags)),
  );
  for (const field of ["base", "dataset"])
    if (spec[field] === undefined)
      throw new ServiceError("INVALID_INPUT", `${field} is missing`, {
        field: `--${field}`,
        remedy: `give --${field}, or a spec file with ${field}`,
      });
  return resolveNames(session.client, spec);
}

// The server decides; this only names the field before the request is sent.
function parseSpec(tree: Tree): RunSpec {
  const parsed = RunSpec.safeParse(tree);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (!issue) throw parsed.error;
  const { message, ...where } = issueProblem(issue);
  throw new ServiceError("INVALID_INPUT", message, where);
}

/** Range and source of the planned time, on one line. */
function timeWords({ parts, lowSeconds, highSeconds, source, runName, measuredAt, busy }: PlannedTime): string {
  const from = source === "run" ? `the run ${oneLine(runName ?? "")}` : "a short measurement";
  const evaluation = parts.before + parts.during + parts.after;
  return `  ${duration(lowSeconds)} to ${duration(highSeconds)}, of it training ${duration(parts.train)}, evaluation ${duration(evaluation)}; from ${from} of ${day(measuredAt)}${busy ? ", when the machine was busy" : ""}`;
}

async function plan(session: Session, spec: RunSpec): Promise<void> {
  const found = await session.client.runs.plan.query({ spec });
  session.print(found, () => {
    const lines = [
      ...(found.worker ? [`planned for the worker ${oneLine(found.worker.name)}`] : []),
      `${found.fits ? "fits" : "does not fit"}: ${bytes(found.memory.totalBytes)} of ${bytes(found.budgetBytes)} memory`,
      `${found.steps} steps, ${found.secondsPerStep === null ? "speed not measured" : `${duration(found.totalSeconds)} (${found.secondsPerStep.toFixed(2)} s a step)`}`,
      ...(found.time ? [timeWords(found.time)] : []),
      `${found.data.rows} rows, ${found.data.supervisedTokens} trained tokens, ${found.data.truncatedRows} truncated, ${found.data.zeroTargetRows} without a trained token`,
    ];
    if (found.stepsNote) lines.splice(found.worker ? 3 : 2, 0, `  ${found.stepsNote}`);
    if (!found.fits && found.fastest) lines.push(`  fastest that fits: ${found.fastest.words}`);
    for (const { words } of found.suggestions) lines.push(`  would fit: ${words}`);
    for (const problem of found.problems) lines.push(`  ${problem.field ?? ""}: ${oneLine(problem.message, 300)}`);
    for (const { message, remedy } of found.warnings)
      lines.push(`  warning: ${oneLine(message, 300)}`, ...(remedy ? [`    ${oneLine(remedy, 300)}`] : []));
    return lines.join("\n");
  });
  if (!found.fits || found.problems.length > 0) process.exitCode = exitCodes.refused;
}

async function control(
  command: Command,
  verb: "cancel" | "pause" | "resume" | "saveCheckpoint",
  named: string,
): Promise<void> {
  const session = openSession(command);
  const run = await session.client.runs[verb].mutate({ runId: await runId(session.client, named) });
  session.print(run, () => `${oneLine(run.name)} is ${run.status}`);
}

const progressWords = (run: Pick<RunDetail, "status" | "progress" | "queuePosition">) => {
  if (run.status === "queued") return run.queuePosition === null ? "" : `place ${run.queuePosition}`;
  if (finalStatuses.includes(run.status)) return "";
  const { progress } = run;
  if (!progress) return "";
  return `${progress.stage} ${percent(progress.fraction)}${progress.etaSeconds === null ? "" : `, ${duration(progress.etaSeconds)} left`}`;
};

export function runCommands(program: Command): void {
  const run = program.command("run").description("start and watch fine-tuning runs");
  run
    .command("create")
    .description("start a run; without --watch, return immediately")
    .option("--spec <file>", "YAML or JSON with any fields of the spec; - reads standard input")
    .option("--preset <name>", PresetName.options.join(", "))
    .option("--base <model>", "ollama:NAME, a registered name, a .gguf file or a Hugging Face folder")
    .option("--dataset <name>", "NAME (its newest version), NAME@NUMBER or a version's id")
    .option("--publish <name>", "name of the model in Ollama")
    .option("--name <name>", "name of the run")
    .addOption(new Option("--method <kind>", "lora or full").choices(["lora", "full"]))
    .option("--rank <n>", "LoRA rank")
    .option("--alpha <n>", "LoRA alpha")
    .addOption(new Option("--objective <kind>", "what it learns from; default: sft").choices([...objectiveKinds]))
    .option("--beta <n>", "beta of the preference objectives")
    .option("--teacher <model>", "model to distil into the base (same forms as --base)")
    .option(
      "--teacher-file <name>",
      "name or id of a file made by `anneal teacher make`, instead of a teacher in memory",
    )
    .addOption(new Option("--precision <kind>", "what it computes in").choices(Precision.options))
    .addOption(new Option("--base-storage <kind>", "the frozen base in memory (LoRA)").choices(BaseStorage.options))
    .addOption(new Option("--optimizer <kind>").choices([...optimizerKinds]))
    .option("--learning-rate <n>")
    .option("--epochs <n>")
    .option("--max-steps <n>")
    .option("--batch-rows <n>", "rows per optimizer step")
    .option("--micro-batch-tokens <n>", "tokens per micro-batch")
    .option("--max-sequence-tokens <n>")
    .option("--seed <n>")
    .option("--eval-dataset <name>", "held-out dataset (default: a fraction of the dataset is held out)")
    .option("--gguf <types>", `exports, comma-separated: ${GgufType.options.join(", ")}`)
    .option("--set <field=value>", "any other field, such as schedule.warmupSteps=50 (repeatable)", collect, [])
    .option(
      "--idempotency-key <key>",
      "the same key twice makes one run, until that one is cancelled, failed or removed",
    )
    .option("--plan", "only show the planned time, memory and disk; starts nothing")
    .option("--watch", "watch it until it ends")
    .action(async (flags: CreateFlags, command: Command) => {
      const session = openSession(command);
      const spec = parseSpec(await buildSpec(session, flags));
      if (flags.plan) return plan(session, spec);
      const made = await session.client.runs.create.mutate({ spec, idempotencyKey: flags.idempotencyKey });
      const before = made.replaces;
      if (before && !session.json)
        console.error(`the key stood for run ${before.runId}, which is ${before.status}; this is a new run`);
      if (!flags.watch) {
        session.print(
          made,
          () => `${made.id}  ${oneLine(made.name)} is ${made.status}\nfollow it: anneal run watch ${made.id}`,
        );
        return;
      }
      if (!session.json) console.error(`${made.id}  ${oneLine(made.name)}`);
      await watchUntilEnd(session, made.id);
    });
  run
    .command("list")
    .description("list the newest runs")
    .option("--status <list>", "comma-separated: queued, running, paused, cancelled, failed, succeeded ...")
    .option("--limit <n>", "at most this many", "20")
    .action(async (flags: { status?: string; limit: string }, command: Command) => {
      const session = openSession(command);
      const status = flags.status?.split(",").map((one) => one.trim()) as RunDetail["status"][] | undefined;
      const found = await session.client.runs.list.query({ limit: Number(flags.limit), status });
      session.print(found, () =>
        found.items.length === 0
          ? "no runs yet; start one: anneal run create --base MODEL --dataset NAME"
          : table(
              ["ID", "NAME", "STATUS", "PROGRESS", "BEFORE", "AFTER", "CREATED"],
              found.items.map((one) => [
                one.id,
                one.name,
                one.status,
                progressWords(one),
                percent(one.accuracyBefore),
                percent(one.accuracyAfter),
                day(one.createdAt),
              ]),
            ),
      );
    });
  run
    .command("get")
    .description("show one run with its results")
    .argument("<run>", "its name or id, or the beginning of either")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.runs.get.query({ runId: await runId(session.client, named) });
      const nameOf = await modelNames(session.client, [found.base]);
      session.print(found, () =>
        [runSummary(found, session.connection.url, nameOf(found.base)), progressWords(found)]
          .filter(Boolean)
          .join("\n"),
      );
    });
  run
    .command("answers")
    .description(
      "the model's answers to the same questions over the course of training, with the adapter that answered",
    )
    .argument("<run>", "its name or id, or the beginning of either")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.runs.samples.query({ runId: await runId(session.client, named) });
      session.print(found, () =>
        found.length === 0
          ? "no sample answers yet; they come with each evaluation"
          : table(
              ["STEP", "ADAPTER", "QUESTION", "EXPECTED", "ANSWER"],
              found.map(({ step, adapter, prompt, expected, answer }) => [
                String(step),
                adapter ?? "-",
                prompt,
                expected ?? "-",
                answer,
              ]),
            ),
      );
    });
  addRunReport(run);
  run
    .command("watch")
    .description("watch a run: progress, ETA, live loss; Ctrl-C detaches and the run continues")
    .argument("<run>", "its name or id, or the beginning of either")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      await watchUntilEnd(session, await runId(session.client, named));
    });
  const controls = [
    ["cancel", "cancel", "stop it for good; what is saved stays"],
    ["pause", "pause", "save and give the machine back"],
    ["resume", "resume", "go on from the last checkpoint"],
    ["save", "saveCheckpoint", "save a checkpoint now and go on"],
  ] as const;
  for (const [name, verb, about] of controls)
    run
      .command(name)
      .description(about)
      .argument("<run>", "its name or id, or the beginning of either")
      .action((named: string, _flags: unknown, command: Command) => control(command, verb, named));
  run
    .command("remove")
    .description("delete a run that is not in progress, with its files")
    .argument("<run>", "its name or id, or the beginning of either")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const id = await runId(session.client, named);
      session.print(await session.client.runs.remove.mutate({ runId: id }), () => "removed");
    });
}
