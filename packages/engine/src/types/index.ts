// The engine's face to the rest of the product: plain data in, promises out.
export * from "./export.ts";
export * from "./generation.ts";
export * from "./gguf-file.ts";
export * from "./measurement.ts";
export * from "./memory-plan.ts";
export * from "./model.ts";
export * from "./session.ts";
export * from "./step.ts";
export * from "./training-spec.ts";
