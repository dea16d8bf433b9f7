export * as artifacts from "./artifacts/index.ts";
export * from "./context.ts";
export * as deployments from "./deployments/index.ts";
export * from "./ports.ts";
export * as runs from "./runs/index.ts";
export { audit, notFound, parseInput, requirePermission, streamVerb, verb } from "./verb.ts";
