import { EngineError, type Session } from "@anneal/engine";
import { engineCall } from "../context/engine-call.ts";
import { heartbeat, type Job } from "../context/job.ts";
import { exampleLength, microBatches } from "../prepare/batches.ts";
import type { Prepared } from "../prepare/prepare.ts";

/** The rows that fill a micro-batch most: the longest ones, as many as go in together. */
export function worstRows(
  rows: Iterable<number>,
  lengthOf: (row: number) => number,
  { microBatchTokens, packing }: { microBatchTokens: number; packing: boolean },
): number[] {
  const longest = Array.from(rows).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const chosen: number[] = [];
  let room = microBatchTokens;
  for (const row of longest) {
    if (lengthOf(row) > room) break; // what is shorter still would only fill the rest up
    chosen.push(row);
    room -= lengthOf(row);
    if (!packing) break;
  }
  return chosen;
}

/** Forward and backward over the largest micro-batch that can come: what does not fit fails now, not after hours. */
export async function rehearse(
  job: Job,
  session: Session,
  { train, trainRows, sequences, teacher }: Prepared,
): Promise<void> {
  const { spec } = job.start;
  const worst = worstRows(trainRows, (row) => exampleLength(train, row, sequences), spec);
  const [first] = microBatches(train, worst, spec, sequences, teacher);
  if (!first) return;
  const { length } = spec.adapters;
  // Side by side: each adapter gets its share of the rows.
  const owners = first.rows.map((_, i) => Math.floor((i * length) / first.rows.length));
  const batch = length === 0 ? first.batch : { ...first.batch, adapters: Int32Array.from(owners) };
  heartbeat(job, "train", 0, 300);
  try {
    await engineCall(job.control, () => session.gradients([batch], { lossOnly: true }));
  } catch (error) {
    // Values that are not finite are the guard's business, at the step that meets them.
    if (!(error instanceof EngineError && error.code === "ENGINE_NUMERIC")) throw error;
  }
}
