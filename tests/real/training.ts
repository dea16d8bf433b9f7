// Steps of the engine over rows, without the platform around it.
import { LINEAR_NAMES, learningRateAt, type MicroBatch, type Session, type TrainingSpec } from "@anneal/engine";
import { dataOrder, planStep } from "@anneal/text";

/** Sequences that stay together: a row, or a pair of answers. */
export interface Unit {
  sequences: { tokens: Int32Array; labels: Int32Array }[];
  preference?: number[];
}

export const microBatchTokens = 1024;

export const loraSpec: Pick<TrainingSpec, "method" | "precision" | "seed"> = {
  method: { kind: "lora", rank: 16, alpha: 32, dropout: 0, rsLora: false, targets: [...LINEAR_NAMES] },
  precision: "f32",
  seed: 42,
};

export const commonSpec = {
  optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  gradientCheckpointing: false,
  maxTokensPerMicroBatch: microBatchTokens,
  maxSequenceTokens: 256,
} satisfies Partial<TrainingSpec>;

function packed(units: readonly Unit[]): MicroBatch {
  const sequences = units.flatMap((unit) => unit.sequences);
  const offsets = [0];
  for (const { tokens } of sequences) offsets.push((offsets.at(-1) ?? 0) + tokens.length);
  const preference = units.flatMap((unit) => unit.preference ?? []);
  return {
    tokens: Int32Array.from(sequences.flatMap(({ tokens }) => [...tokens])),
    labels: Int32Array.from(sequences.flatMap(({ labels }) => [...labels])),
    offsets: Int32Array.from(offsets),
    ...(preference.length > 0 ? { preference: Int8Array.from(preference) } : {}),
  };
}

export function microBatches(units: readonly Unit[]): MicroBatch[] {
  const lengths = units.map(({ sequences }) => sequences.reduce((sum, { tokens }) => sum + tokens.length, 0));
  return planStep(lengths, { microBatchTokens, packing: true }).map((rows) =>
    packed(rows.map((row) => units[row] as Unit)),
  );
}

/** Cosine to zero over `steps` steps of `unitsPerStep`; says every tenth. */
export async function train(
  session: Session,
  units: readonly Unit[],
  options: { steps: number; unitsPerStep: number; learningRate: number; seed: number },
): Promise<void> {
  const { steps, unitsPerStep, learningRate, seed } = options;
  const order = dataOrder(units.length, seed, 0);
  const schedule = { kind: "cosine" as const, warmupSteps: 5, learningRate, totalSteps: steps };
  for (let step = 0; step < steps; step++) {
    const rows = Array.from({ length: unitsPerStep }, (_, i) => order[(step * unitsPerStep + i) % order.length] ?? 0);
    const result = await session.step({
      microBatches: microBatches(rows.map((row) => units[row] as Unit)),
      learningRate: learningRateAt(schedule, step),
      clipNorm: 1,
      step,
    });
    if (step % 10 === 0)
      console.log(`step ${step}/${steps}, loss ${result.loss.toFixed(4)}, ${result.seconds.toFixed(1)} s a step`);
  }
}
