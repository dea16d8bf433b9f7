import type { DatasetRow, RenderedRow, TokenSpan } from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";
import { type Layout, layoutRow } from "./layout.ts";

export interface EncodedRow {
  tokens: Int32Array;
  labels: Int32Array; // the token where it is trained, else -100
  supervisedTokens: number;
  truncated: boolean;
}

export interface RowOptions {
  // A longer row keeps its first tokens and loses the rest, the end of its last answer with them.
  maxSequenceTokens: number;
}

const ignored = -100;

// What is trained on: tokens after the last trained one are left off, since no loss looks at them.
export function encodeRow(model: TextModel, row: DatasetRow, options: RowOptions): EncodedRow {
  const encoded = encodedOf(layoutRow(model, row), options);
  if (encoded.supervisedTokens === 0) return encoded;
  const count = encoded.labels.findLastIndex((label) => label !== ignored) + 1;
  return { ...encoded, tokens: encoded.tokens.slice(0, count), labels: encoded.labels.slice(0, count) };
}

export function encodedOf({ ids, trained }: Layout, { maxSequenceTokens }: RowOptions): EncodedRow {
  const count = Math.min(ids.length, maxSequenceTokens);
  const tokens = ids.slice(0, count);
  const labels = new Int32Array(count).fill(ignored);
  let supervisedTokens = 0;
  for (let i = 0; i < count; i++) {
    if (!trained[i]) continue;
    labels[i] = tokens[i] as number;
    supervisedTokens++;
  }
  return { tokens, labels, supervisedTokens, truncated: ids.length > count };
}

// The row as runs of text, each trained or ignored: what the loss-mask view shows.
export function explainRow(model: TextModel, row: DatasetRow, options: RowOptions & { row?: number }): RenderedRow {
  return explained(model, layoutRow(model, row), options);
}

export function explained(model: TextModel, layout: Layout, options: RowOptions & { row?: number }): RenderedRow {
  const { text, runs, ids, ends, trained, extra } = layout;
  const encoded = encodedOf(layout, options);
  const spans: TokenSpan[] = [];
  let at = 0;
  let run = 0;
  for (let i = 0; i < encoded.tokens.length; i++) {
    const end = ends[i] as number;
    while (run < runs.length && (runs[run]?.end ?? 0) <= at) run++;
    const fromUser = extra[i] === 0 && (runs[run]?.start ?? Number.POSITIVE_INFINITY) < Math.max(end, at + 1);
    const piece = extra[i] ? model.tokenizer.tokenText(ids[i] as number) : text.slice(at, end);
    const last = spans.at(-1);
    if (last && last.trained === (trained[i] === 1) && last.fromUser === fromUser) {
      last.text += piece;
      last.tokens++;
    } else spans.push({ text: piece, tokens: 1, trained: trained[i] === 1, fromUser });
    at = end;
  }
  return {
    row: options.row ?? 0,
    spans,
    tokens: encoded.tokens.length,
    supervisedTokens: encoded.supervisedTokens,
    truncated: encoded.truncated,
  };
}
