import { type Quantisation, say } from "@anneal/contracts";
import { openSession, type QuantisationError, type Session } from "@anneal/engine";
import { engineCall } from "../context/engine-call.ts";
import { heartbeat, type Job, logLine } from "../context/job.ts";
import type { Measured } from "../evaluate/measure.ts";
import { microBatches } from "../prepare/batches.ts";
import type { Prepared } from "../prepare/prepare.ts";

const mostRows = 128;

/** What the file's types cost: the error of its weights, and the perplexity of the file on held-out rows against that of the tuned weights. */
export async function quantisationOf(
  job: Job,
  session: Session,
  prepared: Prepared,
  tuned: Measured,
  file: { path: string; error: QuantisationError; step: number },
): Promise<Quantisation> {
  const { relativeRmse, tensors } = file.error;
  const worst = tensors.reduce<Quantisation["worst"]>(
    (found, { name, type, relativeRmse }) =>
      found && found.relativeRmse >= relativeRmse ? found : { tensor: name, type, relativeRmse },
    null,
  );
  return { relativeRmse, worst, perplexity: await perplexityOf(job, session, prepared, tuned, file) };
}

async function perplexityOf(
  job: Job,
  session: Session,
  { heldOut }: Prepared,
  tuned: Measured,
  { path, step }: { path: string; step: number },
): Promise<Quantisation["perplexity"]> {
  const rows = [...tuned.losses.keys()].filter((row) => heldOut && heldOut.supervised(row) > 0).slice(0, mostRows);
  if (!heldOut || rows.length === 0) return null;
  const { spec } = job.start;
  // The file's model takes the room of the buffers that training no longer needs.
  await session.releaseIdleMemory();
  const judge = await openSession({
    base: { kind: "gguf", path },
    precision: spec.precision === "bf16_sr" ? "bf16" : spec.precision,
    ...(spec.threads === null ? {} : { threads: spec.threads }),
    seed: 0,
    // Nothing is trained; a frozen base may stay in its blocks.
    baseStorage: "blocks",
    method: {
      kind: "lora",
      rank: 1,
      alpha: 1,
      dropout: 0,
      rsLora: false,
      targets: session.info.linearNames.slice(0, 1),
    },
    optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
    gradientCheckpointing: "layer",
    maxTokensPerMicroBatch: spec.microBatchTokens,
    maxSequenceTokens: spec.maxSequenceTokens,
  });
  try {
    let loss = 0;
    let tokens = 0;
    let seconds = 60;
    for (const { batch } of microBatches(heldOut, rows, spec)) {
      heartbeat(job, "export", step, seconds);
      const began = performance.now();
      const { lossSum, supervisedTokens } = await engineCall(job.control, () => judge.evaluate([batch]));
      seconds = Math.max(1, (2 * (performance.now() - began)) / 1000);
      loss += lossSum;
      tokens += supervisedTokens;
      job.control.throwIfStopped();
    }
    const before = rows.reduce((sum, row) => sum + (tuned.losses.get(row)?.lossSum ?? 0), 0);
    const perplexity = { rows: rows.length, tuned: Math.exp(before / tokens), file: Math.exp(loss / tokens) };
    logLine(
      job,
      "info",
      say`${path.split("/").at(-1)}: perplexity ${perplexity.file.toFixed(4)} on ${rows.length} held-out [row|rows], ${perplexity.tuned.toFixed(4)} before rounding`,
    );
    return perplexity;
  } finally {
    await judge.close();
  }
}
