export { EngineError, type EngineErrorCode } from "./error.ts";
export { useAddon } from "./native.ts";
export {
  engineInfo,
  inspectAdapter,
  inspectModel,
  planTraining,
  readGgufMetadata,
} from "./plan.ts";
export { type PlateauOptions, type PlateauState, plateauAfter, startPlateau } from "./plateau.ts";
export { probeSpeed } from "./probe.ts";
export { dequantiseTensor, quantiseTensor } from "./quantise.ts";
export {
  learningRateAt,
  SCHEDULE_KINDS,
  type Schedule,
  type ScheduleKind,
} from "./schedule.ts";
export { openSession } from "./session.ts";
export * from "./types/index.ts";
