// A session in a process of its own: reads {spec, batches} from the first line, then trains one step for every further line `step` and
// tells its seconds and the most memory that was resident.
import { createInterface } from "node:readline";
import { type MicroBatch, openSession, type TrainingSpec } from "@anneal/engine";

export interface StepRequestLine {
  spec: TrainingSpec;
  batches: { tokens: number[]; labels: number[]; offsets: number[]; adapters?: number[] }[];
}
export interface StepAnswer {
  seconds: number;
  loss: number;
  peakBytes: number;
  weightBytes: number; // of the base, as it is resident
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { spec, batches } = JSON.parse((await lines.next()).value) as StepRequestLine;
const session = await openSession(spec);
const microBatches = batches.map(
  ({ tokens, labels, offsets, adapters }): MicroBatch => ({
    tokens: Int32Array.from(tokens),
    labels: Int32Array.from(labels),
    offsets: Int32Array.from(offsets),
    ...(adapters ? { adapters: Int32Array.from(adapters) } : {}),
  }),
);
const { weights, blocks } = session.plan.parts;
const answer = (seconds: number, loss: number) =>
  console.log(
    JSON.stringify({
      seconds,
      loss,
      peakBytes: session.memory().peakRssBytes,
      weightBytes: weights + blocks,
    } satisfies StepAnswer),
  );
answer(0, 0);
for (let step = 0; (await lines.next()).value === "step"; step++) {
  const { seconds, loss } = await session.step({ microBatches, learningRate: 1e-4, clipNorm: 1, step });
  answer(seconds, loss);
}
await session.close();
