export * from "./execution.ts";
export { teacherKind } from "./kind.ts";
