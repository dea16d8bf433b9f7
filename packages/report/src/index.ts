export { type Analysis, analyse, type Verdict } from "./analysis.ts";
export { renderReport } from "./render.ts";
export * from "./schema.ts";
export * from "./stats.ts";
