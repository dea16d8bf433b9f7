export { EngineError, type EngineErrorCode } from "./error.ts";
export { useAddon } from "./native.ts";
export {
  engineInfo,
  inspectModel,
  planTraining,
  readGgufMetadata,
} from "./plan.ts";
export { probeSpeed } from "./probe.ts";
export { dequantiseTensor, quantiseTensor } from "./quantise.ts";
export {
  learningRateAt,
  type Schedule,
  type ScheduleKind,
} from "./schedule.ts";
export { openSession } from "./session.ts";
export * from "./types.ts";
