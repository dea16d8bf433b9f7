import { api, type PresetName } from "@anneal/contracts";
import { verb } from "../verb.ts";

// Changes to the defaults of a run, by purpose. When to use which is said in the console, in the person's language.
const presetSpecs: Record<PresetName, Record<string, unknown>> = {
  "quick-look": {
    method: { kind: "lora", rank: 8, alpha: 16, dropout: 0, rsLora: false },
    epochs: 1,
    maxSteps: 50,
    maxSequenceTokens: 512,
    schedule: { kind: "cosine", warmupSteps: 5 },
    evaluation: { heldOutFraction: 0.1, maxRows: 100, finalMaxRows: 500 },
  },
  balanced: {
    method: { kind: "lora", rank: 16, alpha: 32, dropout: 0, rsLora: false },
    epochs: 1,
    learningRate: 1e-3,
    batchRows: 32,
    schedule: { kind: "cosine", warmupSteps: 20 },
  },
  thorough: {
    method: { kind: "lora", rank: 32, alpha: 64, dropout: 0.05, rsLora: false },
    epochs: 3,
    learningRate: 5e-4,
    batchRows: 32,
    schedule: { kind: "cosine", warmupSteps: 50 },
    evaluation: { maxRows: 500 },
    earlyStopping: { patience: 3, minDelta: 0 },
    checkpoints: { restoreBest: true },
  },
  "small-memory": {
    method: { kind: "lora", rank: 16, alpha: 32, dropout: 0, rsLora: false },
    baseStorage: "nf4",
    optimizer: { kind: "adamw8bit" },
    gradientCheckpointing: "full",
    microBatchTokens: 1024,
    learningRate: 1e-3,
    schedule: { kind: "cosine", warmupSteps: 20 },
  },
  "preference-tuning": {
    method: { kind: "lora", rank: 16, alpha: 32, dropout: 0, rsLora: false },
    objective: { kind: "dpo", beta: 0.1 },
    epochs: 1,
    learningRate: 5e-5,
    batchRows: 16,
    schedule: { kind: "cosine", warmupSteps: 20 },
  },
  // The teacher is whom the person names.
  distillation: {
    method: { kind: "lora", rank: 32, alpha: 64, dropout: 0, rsLora: false },
    objective: { kind: "distill", divergence: "forward_kl", temperature: 1, crossEntropyWeight: 0.5 },
    epochs: 2,
    learningRate: 5e-4,
    batchRows: 32,
    schedule: { kind: "cosine", warmupSteps: 20 },
  },
  "full-fine-tune": {
    method: { kind: "full" },
    epochs: 2,
    learningRate: 2e-5,
    batchRows: 32,
    optimizer: { kind: "adamw", weightDecay: 0.01 },
    schedule: { kind: "cosine", warmupSteps: 100 },
  },
  "continued-pretraining": {
    method: { kind: "full" },
    epochs: 1,
    learningRate: 5e-5,
    batchRows: 32,
    optimizer: { kind: "adamw", weightDecay: 0.1 },
    schedule: { kind: "wsd", warmupSteps: 100, decayShare: 0.2, minRatio: 0.1 },
  },
};

export const presets = verb(api.runs.presets, async () =>
  Object.entries(presetSpecs).map(([name, spec]) => ({ name: name as PresetName, spec })),
);
