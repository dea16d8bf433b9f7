export * from "./execution.ts";
export * from "./finish-rollback.ts";
export * from "./inputs.ts";
export { deploymentKind } from "./kind.ts";
