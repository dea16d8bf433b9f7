export type * from "@anneal/contracts";
export { type AnnealClient, type Connection, createAnnealClient } from "./client.ts";
export { downloadArtifact, type TransferOptions, uploadDataset } from "./files.ts";
export { findConnection } from "./local.ts";
export { problemOf } from "./problem.ts";
export { watchRun } from "./watch.ts";
