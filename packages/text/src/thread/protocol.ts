import type { DatasetCheck, DatasetRow, Phrases } from "@anneal/contracts";
import type { TextSource } from "../model/source.ts";
import type { CheckOptions } from "../rows/tally.ts";
import type { TextFacts, TokenReport } from "./port.ts";

// What a thread is asked: one request at a time, one answer each.
export interface Requests {
  load: { asked: { key: string; source: TextSource }; answer: null };
  forget: { asked: { key: string }; answer: null };
  begin: { asked: { key: string; options: CheckOptions }; answer: null };
  rows: { asked: { rows: DatasetRow[] }; answer: null };
  end: { asked: Record<never, never>; answer: DatasetCheck };
  facts: { asked: { key: string; vocabularySize: number }; answer: TextFacts };
  difference: {
    asked: { keys: [string, string]; count: number };
    answer: { id: number; texts: [string, string] } | null;
  };
  report: { asked: { key: string; embeddingRows: number; gguf: boolean }; answer: TokenReport };
}
export type Request = { [K in keyof Requests]: { kind: K } & Requests[K]["asked"] }[keyof Requests];

export type Reply =
  | { value: Requests[keyof Requests]["answer"] }
  | { refused: { field: string; message: string; remedy: string; phrases: Phrases | undefined } }
  | { failed: string };

export interface ThreadData {
  rowsBegun: Int32Array; // shared: one number, which the host watches
}
