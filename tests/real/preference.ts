import type { DatasetRow } from "@anneal/contracts";
import { openSession, readGgufMetadata } from "@anneal/engine";
import { encodeRow, loadTextModel, type TextModel } from "@anneal/text";
import type { Case } from "./figures.ts";
import { readQuestions } from "./real-files.ts";
import { commonSpec, loraSpec, microBatches, train, type Unit } from "./training.ts";

const trainedPairs = 480;
const heldOutPairs = 120;

/** Each question with its intent as the chosen answer and the intent of another question, far off in the file, as the rejected. */
function pairsOf(text: TextModel, rows: readonly DatasetRow[]): Unit[] {
  const talks = rows.flatMap((row) => ("messages" in row ? [row.messages] : []));
  const pairs: Unit[] = [];
  const stride = Math.max(1, Math.floor(talks.length / (trainedPairs + heldOutPairs)));
  for (let i = 0; i < talks.length && pairs.length < trainedPairs + heldOutPairs; i += stride) {
    const chosen = talks[i] ?? [];
    const other = talks[(i + Math.floor(talks.length / 2)) % talks.length]?.at(-1)?.content ?? "";
    if (other === chosen.at(-1)?.content) continue;
    const rejected = chosen.map((message, at) => (at === chosen.length - 1 ? { ...message, content: other } : message));
    const sequences = [chosen, rejected].map((messages) => encodeRow(text, { messages }, commonSpec));
    pairs.push({ sequences, preference: [1, 0] });
  }
  return pairs;
}

export const preference: Case = async ({ files }) => {
  const text = loadTextModel({ kind: "gguf", metadata: readGgufMetadata(files.model).metadata });
  const pairs = pairsOf(text, await readQuestions(files.train));
  const heldOut = microBatches(pairs.filter((_, i) => i % 5 === 0));
  const session = await openSession({
    ...commonSpec,
    ...loraSpec,
    base: { kind: "gguf", path: files.model },
    objective: { kind: "dpo", beta: 0.1, labelSmoothing: 0 },
  });
  const before = await session.measure(heldOut);
  await train(
    session,
    pairs.filter((_, i) => i % 5 !== 0),
    { steps: 40, unitsPerStep: 8, learningRate: 5e-4, seed: 42 },
  );
  const after = await session.measure(heldOut);
  await session.close();
  const margin = ({ metrics }: typeof before) => metrics.rewardMargin ?? Number.NaN;
  const accuracy = ({ metrics }: typeof before) => metrics.rewardAccuracy ?? Number.NaN;
  return [
    { label: "held-out loss, before -> after", value: `${before.loss.toFixed(4)} -> ${after.loss.toFixed(4)}` },
    {
      label: "held-out reward margin",
      value: `${margin(before).toFixed(3)} -> ${margin(after).toFixed(3)}`,
      passed: margin(after) > margin(before) + 1,
    },
    {
      label: "held-out pairs ordered right",
      value: `${(100 * accuracy(before)).toFixed(1)} % -> ${(100 * accuracy(after)).toFixed(1)} %`,
      passed: accuracy(after) > 0.9,
    },
  ];
};
