export * as execution from "./execution-parts.ts";
export { list } from "./list.ts";
export { publish, retry, rollback } from "./publish.ts";
