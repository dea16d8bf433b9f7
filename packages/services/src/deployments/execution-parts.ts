export * from "./execution.ts";
export * from "./inputs.ts";
