// Finds and loads the compiled addon, and says what to do when it is not there.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineError, toEngineError } from "./error.ts";
import type {
  AdapterInfo,
  BaseSource,
  BestTokens,
  EngineInfo,
  EvaluateOptions,
  EvaluationResult,
  GenerateRequest,
  GenerateResult,
  GgufExportOptions,
  GgufExportResult,
  GgufFileInfo,
  GradientsResult,
  LogitsResult,
  MemoryPlan,
  MicroBatch,
  ModelInfo,
  NamedTensor,
  SavedFile,
  ScoresResult,
  SessionMemory,
  StepRequest,
  StepResult,
  TrainingSpec,
} from "./types/index.ts";

/** The addon's session object; every promise is settled on the session's own thread. */
export interface NativeSession {
  info(): ModelInfo;
  plan(): MemoryPlan;
  step(request: StepRequest): Promise<StepResult>;
  evaluate(microBatches: MicroBatch[], options: EvaluateOptions): Promise<EvaluationResult>;
  logits(microBatch: MicroBatch, positions?: Int32Array): Promise<LogitsResult>;
  bestTokens(microBatch: MicroBatch, k: number): Promise<BestTokens>;
  gradients(microBatches: MicroBatch[], options: { lossOnly: boolean }): Promise<GradientsResult>;
  measure(microBatches: MicroBatch[]): Promise<{ loss: number; metrics: Record<string, number> }>;
  scores(microBatch: MicroBatch, options: { baseOnly?: boolean }): Promise<ScoresResult>;
  weights(name: string): Promise<NamedTensor>;
  trainableNames(): string[];
  generate(request: GenerateRequest): Promise<GenerateResult>;
  saveState(path: string): Promise<SavedFile>;
  loadState(path: string): Promise<{ step: number }>;
  exportAdapter(dir: string, options: { baseModelName?: string; adapter?: string }): Promise<void>;
  exportMerged(dir: string, options: { dtype?: string; adapter?: string }): Promise<void>;
  exportGguf(path: string, options: GgufExportOptions): Promise<GgufExportResult>;
  requestStop(): void;
  clearStop(): void;
  memory(): SessionMemory;
  releaseIdleMemory(): Promise<void>;
  close(): Promise<void>;
}

/** What the addon exports. */
export interface NativeEngine {
  engineInfo(): EngineInfo;
  inspectModel(source: BaseSource): ModelInfo;
  inspectAdapter(source: BaseSource, dir: string): AdapterInfo;
  planTraining(spec: TrainingSpec): MemoryPlan;
  openSession(spec: TrainingSpec): Promise<NativeSession>;
  readGgufMetadata(path: string): GgufFileInfo;
  quantiseTensor(type: string, values: Float32Array, rowLength: number): Uint8Array;
  dequantiseTensor(type: string, blocks: Uint8Array, rowLength: number): Float32Array;
}

const ADDON_FILE = "anneal_engine.node";

/** Folders that may hold the addon: where ANNEAL_ENGINE_ADDON points is the caller's business (see useAddon). */
function candidatePaths(): string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  const relative = ["..", "../packages/engine", "../../packages/engine", "../../../packages/engine"];
  const paths = relative.map((up) => join(here, up, "build", ADDON_FILE));
  paths.push(join(here, ADDON_FILE), join(process.cwd(), "packages/engine/build", ADDON_FILE));
  return paths;
}

let addonPath: string | undefined;
let loaded: NativeEngine | undefined;

/** Names the addon file to load, for bundles that lie elsewhere. Must be called before the first engine call. */
export function useAddon(path: string): void {
  if (loaded) throw new EngineError("ENGINE_INVALID_ARGUMENT", "addon_already_loaded", "useAddon");
  addonPath = path;
}

/** The addon, loaded once per process. Throws ENGINE_NOT_BUILT with the remedy. */
export function native(): NativeEngine {
  if (loaded) return loaded;
  const tried = addonPath ? [addonPath] : candidatePaths();
  const path = tried.find((candidate) => existsSync(candidate));
  if (!path) {
    throw new EngineError("ENGINE_NOT_BUILT", "addon_missing", "engine", {
      file: ADDON_FILE,
      folders: tried.map((p) => dirname(p)).join(", "),
    });
  }
  try {
    // Not require(): bundlers replace it by one that takes no computed path.
    const addon: { exports: unknown } = { exports: {} };
    process.dlopen(addon, path);
    loaded = addon.exports as NativeEngine;
  } catch (thrown) {
    throw new EngineError(
      "ENGINE_NOT_BUILT",
      "addon_not_loadable",
      "engine",
      { file: path, cause: thrown instanceof Error ? thrown.message : String(thrown) },
      { cause: thrown },
    );
  }
  return loaded;
}

/** Runs a synchronous native call and gives its error our class. */
export function callNative<T>(call: (engine: NativeEngine) => T): T {
  const engine = native();
  try {
    return call(engine);
  } catch (thrown) {
    throw toEngineError(thrown);
  }
}

/** Awaits a native promise and gives its error our class. */
export async function awaitNative<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (thrown) {
    throw toEngineError(thrown);
  }
}
