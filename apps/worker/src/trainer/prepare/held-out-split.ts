import { rowKeys } from "@anneal/data";
import { distinct, type Split, splitRows } from "@anneal/text";
import { z } from "zod";
import { cachedSealed } from "../../shard-cache.ts";
import { heartbeat, type Job } from "../context/job.ts";
import type { LazyVersion } from "./lazy-version.ts";

const Rows = z.array(z.int().nonnegative());
const KeptSplit = z.object({
  excluded: Rows,
  asked: Rows,
  seen: Rows,
  heldOutRows: z.int(),
  sameRows: z.int(),
  sameQuestions: z.int(),
  repeated: z.int(),
  answers: z.int(),
});
const signOfLifeEvery = 200; // rows

/** Which rows are trained and which asked, and how many different answers there are: known from all rows, so kept beside the shards. */
export async function cachedSplit(job: Job, dataset: LazyVersion, evaluation: LazyVersion | null) {
  const { spec, shardDirectory, dataset: version, evaluationDataset } = job.start;
  const { heldOutFraction, finalMaxRows } = spec.evaluation;
  const keysOf = async (version: LazyVersion) => {
    const reader = await version.open();
    return rowKeys(reader.all(), reader.rows, (row) => {
      if (row % signOfLifeEvery === 0) heartbeat(job, "prepare", 0, 60);
    });
  };
  const settings = { heldOutFraction, finalMaxRows, seed: spec.seed };
  const madeOf = {
    part: "split",
    format: 1,
    dataset: version.digest,
    heldOut: evaluationDataset?.digest ?? null,
    ...settings,
  };
  const kept = await cachedSealed(shardDirectory, madeOf, KeptSplit, async () => {
    const training = await keysOf(dataset);
    const split = splitRows({ training, evaluation: evaluation ? await keysOf(evaluation) : null, ...settings });
    return {
      ...split,
      excluded: [...split.excluded],
      asked: [...split.asked],
      seen: [...split.seen],
      answers: distinct(training.answers),
    };
  });
  const { answers, ...rest } = kept;
  const split: Split = {
    ...rest,
    excluded: new Set(kept.excluded),
    asked: Uint32Array.from(kept.asked),
    seen: new Set(kept.seen),
  };
  return { split, answers };
}
