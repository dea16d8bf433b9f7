export { type Analysis, analyse } from "./analysis.ts";
export { renderReport } from "./render.ts";
export * from "./schema.ts";
export * from "./stats.ts";
export { judge, type RightOrWrong, type VerdictInput } from "./verdict.ts";
