export { clearLost } from "./clear-lost.ts";
export * as execution from "./execution-parts.ts";
export { findReady } from "./find-ready.ts";
export { get, list } from "./list.ts";
export { make, retry } from "./make.ts";
export { remove } from "./remove.ts";
export { type TeacherFileRow, teacherFolder, teacherPath } from "./rows.ts";
