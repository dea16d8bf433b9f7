// npx tsx demo/measure.ts [--base FILE] [--change JSON]   The demo's run without the platform: accuracy before and after, for whoever
// changes the data, the base or the settings. --change overrides fields of demoSpec.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  automaticAnswerTokens,
  countSteps,
  DatasetRow,
  type Message,
  RunSpec,
  trainingSettings,
} from "@anneal/contracts";
import {
  inspectModel,
  learningRateAt,
  type MicroBatch,
  openSession,
  readGgufMetadata,
  type Session,
  type TrainingSpec,
} from "@anneal/engine";
import {
  dataOrder,
  decodeAnswer,
  type EncodedRow,
  encodePrompt,
  encodeRow,
  loadTextModel,
  planStep,
} from "@anneal/text";
import { demoFiles, demoSpec } from "./spec.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
  options: { base: { type: "string", default: join(here, demoFiles.base) }, change: { type: "string", default: "{}" } },
});
const nobody = "00000000-0000-7000-8000-000000000000";
const spec = RunSpec.parse({ ...demoSpec("/demo", nobody, nobody), ...JSON.parse(options.change) });
const text = loadTextModel({ kind: "gguf", metadata: readGgufMetadata(options.base).metadata });

function read(file: string): { row: DatasetRow; messages: Message[] }[] {
  const lines = readFileSync(join(here, file), "utf8").trim().split("\n");
  return lines.map((line) => {
    const row = DatasetRow.parse(JSON.parse(line));
    return { row, messages: "messages" in row ? row.messages : [] };
  });
}

function packed(rows: readonly EncodedRow[]): MicroBatch {
  const offsets = [0];
  for (const { tokens } of rows) offsets.push((offsets.at(-1) ?? 0) + tokens.length);
  return {
    tokens: Int32Array.from(rows.flatMap(({ tokens }) => [...tokens])),
    labels: Int32Array.from(rows.flatMap(({ labels }) => [...labels])),
    offsets: Int32Array.from(offsets),
  };
}

const test = read(demoFiles.test).map(({ messages }) => ({
  prompt: encodePrompt(text, messages.slice(0, -1)),
  expected: messages.at(-1)?.content ?? "",
}));

// Share of exact answers, and the most frequent mistakes.
async function accuracy(session: Session): Promise<string> {
  const { sequences } = await session.generate({
    prompts: test.map((row) => row.prompt),
    maxNewTokens: spec.evaluation.maxNewTokens ?? automaticAnswerTokens.most,
    temperature: 0,
    topK: 0,
    topP: 1,
    seed: 1,
    stopTokens: text.stopTokens,
  });
  const mistakes = new Map<string, number>();
  test.forEach(({ expected }, i) => {
    const answer = decodeAnswer(text, sequences[i]?.tokens ?? []);
    if (answer !== expected)
      mistakes.set(`${expected} -> ${answer}`, (mistakes.get(`${expected} -> ${answer}`) ?? 0) + 1);
  });
  const wrong = [...mistakes.values()].reduce((a, b) => a + b, 0);
  const worst = [...mistakes].sort((a, b) => b[1] - a[1]).slice(0, 8);
  return `${(100 * (1 - wrong / test.length)).toFixed(1)}%  ${worst.map(([what, n]) => `${n} x ${what}`).join("; ")}`;
}

const rows = read(demoFiles.train).map(({ row }) => encodeRow(text, row, spec));
const base = { kind: "gguf" as const, path: options.base };
const { linearNames } = inspectModel(base);
const session = await openSession(trainingSettings(spec, { base, linearNames }) as TrainingSpec);
console.log(`before: ${await accuracy(session)}`);
const { stepsPerEpoch, totalSteps } = countSteps({ ...spec, rows: rows.length });
const schedule = { ...spec.schedule, learningRate: spec.learningRate, totalSteps };
const started = performance.now();
const cpu = process.cpuUsage();
for (let step = 0; step < totalSteps; step++) {
  const order = dataOrder(rows.length, spec.seed, Math.floor(step / stepsPerEpoch));
  const from = (step % stepsPerEpoch) * spec.batchRows;
  const batch = [...order.slice(from, from + spec.batchRows)].map((i) => rows[i] as EncodedRow);
  const plan = planStep(
    batch.map(({ tokens }) => tokens.length),
    spec,
  );
  const result = await session.step({
    microBatches: plan.map((indices) => packed(indices.map((i) => batch[i] as EncodedRow))),
    learningRate: learningRateAt(schedule, step),
    clipNorm: spec.clipNorm,
    step,
  });
  if (step % 20 === 0) console.log(`step ${step}/${totalSteps}  loss ${result.loss.toFixed(3)}`);
}
const used = process.cpuUsage(cpu);
console.log(
  `trained in ${((performance.now() - started) / 1000).toFixed(1)} s (${((used.user + used.system) / 1e6).toFixed(1)} s of processor time)`,
);
console.log(`after: ${await accuracy(session)}`);
await session.close();
