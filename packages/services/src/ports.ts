import type {
  BaseModelRef,
  BaseSource,
  EngineAdapterInfo,
  EngineMemoryPlan,
  EngineModelInfo,
  JobName,
  JobPayload,
  OllamaStatus,
  SpeedProbe,
  TrainingSettings,
} from "@anneal/contracts";
import type { Transaction } from "@anneal/db";
import type { TextPort } from "@anneal/text";

// What services need from outside their layer, passed in by the application. The engine's port has the very names of
// @anneal/engine, so that `import * as engine` fits it.

export type {
  BaseSource,
  EngineAdapterInfo,
  EngineMemoryPlan,
  EngineModelInfo,
  SpeedProbe,
  TextPort,
  TrainingSettings,
};

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
  runs: string; // one folder per run: checkpoints, journals, exports, report; what lasts is in the store too
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
