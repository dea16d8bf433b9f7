import { callNative } from "./native.ts";
import type {
  AdapterInfo,
  BaseSource,
  EngineInfo,
  GgufFileInfo,
  MemoryPlan,
  ModelInfo,
  SpeedProbe,
  TrainingSpec,
} from "./types/index.ts";

/** What this build and this machine can do. */
export function engineInfo(): EngineInfo {
  return callNative((engine) => engine.engineInfo());
}

/** Reads headers only. Throws ENGINE_FORMAT, ENGINE_UNSUPPORTED or ENGINE_IO with the file and the key. */
export function inspectModel(source: BaseSource): ModelInfo {
  return callNative((engine) => engine.inspectModel(source));
}

/**
 * A PEFT folder that a run over this base could go on from. Its files are read, the base's headers too. Throws ENGINE_IO, ENGINE_FORMAT,
 * ENGINE_UNSUPPORTED or ENGINE_NUMERIC naming the field of adapter_config.json or the tensor, and ENGINE_SHAPE where the adapter was made
 * for another base.
 */
export function inspectAdapter(source: BaseSource, dir: string): AdapterInfo {
  return callNative((engine) => engine.inspectAdapter(source, dir));
}

/**
 * Bytes of a run by part, from the model's header and the spec alone: nothing is loaded. The session takes exactly this.
 * Throws ENGINE_OOM when `memoryBudgetBytes` is given and too small. With a probe, seconds per step are carried along.
 */
export function planTraining(spec: TrainingSpec, probe?: SpeedProbe): MemoryPlan {
  const plan = callNative((engine) => engine.planTraining(spec));
  return probe ? { ...plan, secondsPerStep: probe.secondsPerStep } : plan;
}

/** Metadata and tensor list of a GGUF file, from its header. */
export function readGgufMetadata(path: string): GgufFileInfo {
  return callNative((engine) => engine.readGgufMetadata(path));
}
