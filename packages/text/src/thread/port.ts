import type { DatasetCheck, DatasetRow, Problem, TeacherFacts } from "@anneal/contracts";
import type { TextSource } from "../model/source.ts";
import type { CheckOptions } from "../rows/tally.ts";

/** A text model by what its files are; they are read where they are used. */
export interface TextModelRef {
  key: string; // another one when the files change
  source(): TextSource;
}

export type TextFacts = Pick<TeacherFacts, "tokenizer" | "template" | "vocabularySize">;

/** A model's tokens against the rows of its embedding. */
export interface TokenReport {
  tokens: number;
  /** The first token beyond the rows that chats need whatever is in them. */
  needed: { id: number; text: string; by: "template" | "end" | "start" } | null;
  /** Why no GGUF can carry the tokenizer. */
  gguf: Pick<Problem, "message" | "remedy" | "phrases"> | null;
}

/** Tokenizers and chat templates of strangers, run where they can hold up nobody. Throws TextError, within a deadline. */
export interface TextPort {
  load(model: TextModelRef): Promise<void>;
  check(
    model: TextModelRef,
    rows: AsyncIterable<DatasetRow> | Iterable<DatasetRow>,
    options: CheckOptions,
  ): Promise<DatasetCheck>;
  facts(model: TextModelRef, vocabularySize: number): Promise<TextFacts>;
  /** The first of so many tokens in which two models differ. */
  firstDifference(
    a: TextModelRef,
    b: TextModelRef,
    count: number,
  ): Promise<{ id: number; texts: [string, string] } | null>;
  tokenReport(model: TextModelRef, embeddingRows: number, options: { gguf: boolean }): Promise<TokenReport>;
  close(): Promise<void>;
}
