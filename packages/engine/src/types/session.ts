import type { GgufExportOptions, GgufExportResult, SavedFile } from "./export.ts";
import type { GenerateRequest, GenerateResult } from "./generation.ts";
import type {
  BestTokens,
  EvaluateOptions,
  EvaluationResult,
  GradientsResult,
  LogitsResult,
  NamedTensor,
  ScoresResult,
} from "./measurement.ts";
import type { MemoryPlan } from "./memory-plan.ts";
import type { ModelInfo } from "./model.ts";
import type { MicroBatch, StepRequest, StepResult } from "./step.ts";

export interface SessionMemory {
  plannedBytes: number;
  arenaPeakBytes: number;
  /** Of the whole process: now, and the most it ever was. */
  rssBytes: number;
  peakRssBytes: number;
}

/** A model in memory with its optimizer. Calls queue on the session's own thread; stop requests act at once. */
export interface Session {
  readonly info: ModelInfo;
  readonly plan: MemoryPlan;
  /** One optimizer step. Rejects with ENGINE_STOPPED, state untouched, when a stop was requested. */
  step(request: StepRequest): Promise<StepResult>;
  evaluate(microBatches: MicroBatch[], options?: EvaluateOptions): Promise<EvaluationResult>;
  /** Logits after each of `positions` (indices into tokens; all when left out). */
  logits(microBatch: MicroBatch, positions?: Int32Array): Promise<LogitsResult>;
  /** The base's k best next tokens at each supervised token, without the adapter: what a teacher's file holds. */
  bestTokens(microBatch: MicroBatch, k: number): Promise<BestTokens>;
  /** Gradients of the objective over all micro-batches; nothing is updated. `lossOnly` computes all and copies none. */
  gradients(microBatches: MicroBatch[], options?: { lossOnly?: boolean }): Promise<GradientsResult>;
  /** The objective's loss and figures over all micro-batches, without gradients. */
  measure(microBatches: MicroBatch[]): Promise<{ loss: number; metrics: Record<string, number> }>;
  scores(microBatch: MicroBatch, options?: { baseOnly?: boolean }): Promise<ScoresResult>;
  /** One tensor as f32 under its Hugging Face or PEFT name. */
  weights(name: string): Promise<NamedTensor>;
  trainableNames(): string[];
  generate(request: GenerateRequest): Promise<GenerateResult>;
  saveState(path: string): Promise<SavedFile>;
  /** Resumes where saveState left; `step` is the next 0-based step. */
  loadState(path: string): Promise<{ step: number }>;
  /** `adapter` names one of several trained side by side; left out: the first. */
  exportAdapter(dir: string, options?: { baseModelName?: string; adapter?: string }): Promise<void>;
  /** Base with the adapter merged in, as model.safetensors + config.json. */
  exportMerged(dir: string, options?: { dtype?: "f32" | "bf16" | "f16"; adapter?: string }): Promise<void>;
  exportGguf(path: string, options: GgufExportOptions): Promise<GgufExportResult>;
  requestStop(): void;
  clearStop(): void;
  memory(): SessionMemory;
  /** Gives the system what holds nothing between two calls (activations, scratch), until training goes on. */
  releaseIdleMemory(): Promise<void>;
  close(): Promise<void>;
}
