import type {
  BaseModelRef,
  BaseSource,
  EngineCause,
  JobName,
  JobPayload,
  OllamaStatus,
  TrainingSettings,
} from "@anneal/contracts";
import type { Transaction } from "@anneal/db";
import type { TextPort } from "@anneal/text";

// What services need from outside their layer, passed in by the application. The engine's port has the very names of
// @anneal/engine, so that `import * as engine` fits it.

export type { BaseSource, TextPort, TrainingSettings };

export interface EngineModelInfo {
  family: string;
  parameters: number;
  layers: number;
  hiddenSize: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  ffnSize: number;
  vocabSize: number;
  contextLength: number;
  tiedHead: boolean;
  quantisation: string;
  linearNames: string[];
  fileBytes: number;
  ggufProblem: EngineCause | null;
}

export interface EngineMemoryPlan {
  parts: {
    weights: number;
    blocks: number;
    adapter: number;
    gradients: number;
    optimizer: number;
    activations: number;
    reference: number;
    logits: number;
    packing: number;
    runtime: number;
  };
  totalBytes: number;
  trainableParameters: number;
  flopsPerMicroBatch: number;
}

export interface SpeedProbe {
  secondsPerStep: number; // of one full micro-batch
  slowestSecondsPerStep: number;
  secondsPerNewToken: number | null; // of several prompts answered at once; null: the context leaves no room for an answer
  loadSeconds: number;
}

/** What a PEFT folder holds, seen over a base that it fits. */
export interface EngineAdapterInfo {
  rank: number;
  alpha: number;
  rsLora: boolean;
  dora: boolean;
  targets: string[];
  baseModelName: string; // what it says it was trained on; may be empty
}

export interface EnginePort {
  engineInfo(): { version: string; isa: string; threads: number; cuda: string };
  inspectModel(source: BaseSource): EngineModelInfo;
  inspectAdapter(source: BaseSource, dir: string): EngineAdapterInfo;
  planTraining(settings: TrainingSettings): EngineMemoryPlan;
  readGgufMetadata(path: string): { metadata: Record<string, unknown> };
  /** Loads the model and times one full micro-batch; absent where the process should not load models. */
  probeSpeed?(settings: TrainingSettings, sequenceTokens?: number): Promise<SpeedProbe>;
}

export interface EnqueueOptions {
  /** One queued job per key; a second is dropped while the first waits. */
  singletonKey?: string;
  startAfterSeconds?: number;
  priority?: number;
}

export interface Queue {
  /** Inserts the job in the caller's transaction: it exists exactly when the caller's rows do. */
  enqueue<N extends JobName>(tx: Transaction, name: N, payload: JobPayload<N>, options?: EnqueueOptions): Promise<void>;
  /** Takes the job's waiting message back, in the transaction that makes it pointless. */
  withdraw<N extends JobName>(tx: Transaction, name: N, payload: JobPayload<N>): Promise<void>;
}

export interface StoredOllamaModel {
  name: string;
  modifiedAt: Date;
  problem: string | null; // its manifest cannot be read
}

export interface OllamaPort {
  status(): Promise<OllamaStatus>;
  /** What lies in Ollama's store on this machine (read from its files; the server need not run). */
  listStored(): Promise<StoredOllamaModel[]>;
  /** A stored model's weights; throws an error with a remedy when there is none of that name. */
  findStored(name: string): Promise<{ name: string; ggufPath: string; ggufDigest: string; adapterPaths: string[] }>;
}

/** Folders, absolute. All but the model and data folders lie in Anneal's home. */
export interface StoragePaths {
  home: string;
  runs: string; // one folder per run: checkpoints, journals, exports, report
  datasets: string; // Parquet files named by digest
  shards: string; // packed token shards named by digest (a cache)
  uploads: string;
  ollamaModels: string; // OLLAMA_MODELS of the Ollama whose models may be bases
  modelDirectories: string[]; // ANNEAL_MODEL_DIRS
  dataDirectories: string[]; // ANNEAL_DATA_DIRS
}

export interface ResolvedBase {
  ref: BaseModelRef;
  source: BaseSource;
  name: string;
  digest: string | null;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
