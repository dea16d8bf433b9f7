import type { ChatRow, RenderedRow, TextRow, TokenSpan } from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";
import { type Layout, layoutRow } from "./layout.ts";

export interface EncodedRow {
  tokens: Int32Array;
  labels: Int32Array; // the token where it is trained, else -100
  weights?: Float32Array; // of each token's loss, where not all that are trained weigh 1
  mark?: Mark; // of a preference
  supervisedTokens: number;
  truncated: boolean;
}

/** What a preference says of an answer: 1 chosen or desirable, 0 rejected or not, 2 only measures how far the model moved. */
export type Mark = 0 | 1 | 2;

export interface RowOptions {
  // A longer row keeps its first tokens and loses the rest, the end of its last answer with them.
  maxSequenceTokens: number;
  /** Loss weight of the row as a whole; 0: nothing of it is trained. */
  weight?: number;
}

const ignored = -100;

// What is trained on: tokens after the last trained one are left off, since no loss looks at them.
export const encodeRow = (model: TextModel, row: ChatRow | TextRow, options: RowOptions): EncodedRow =>
  trimmed(encodedOf(layoutRow(model, row), options));

export function trimmed(encoded: EncodedRow): EncodedRow {
  if (encoded.supervisedTokens === 0) return encoded;
  const count = encoded.labels.findLastIndex((label) => label !== ignored) + 1;
  return {
    ...encoded,
    tokens: encoded.tokens.slice(0, count),
    labels: encoded.labels.slice(0, count),
    ...(encoded.weights ? { weights: encoded.weights.slice(0, count) } : {}),
  };
}

export function encodedOf({ ids, trained }: Layout, { maxSequenceTokens, weight = 1 }: RowOptions): EncodedRow {
  const count = Math.min(ids.length, maxSequenceTokens);
  const tokens = ids.slice(0, count);
  const labels = new Int32Array(count).fill(ignored);
  const weights = new Float32Array(count);
  let supervisedTokens = 0;
  let plain = true;
  for (let i = 0; i < count; i++) {
    weights[i] = (trained[i] as number) * weight;
    if (weights[i] === 0) continue;
    labels[i] = tokens[i] as number;
    supervisedTokens++;
    plain &&= weights[i] === 1;
  }
  const truncated = ids.length > count;
  return plain
    ? { tokens, labels, supervisedTokens, truncated }
    : { tokens, labels, weights, supervisedTokens, truncated };
}

// The row as runs of text, each trained or ignored: what the loss-mask view shows.
export function explainRow(
  model: TextModel,
  row: ChatRow | TextRow,
  options: RowOptions & { row?: number },
): RenderedRow {
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
    const isTrained = trained[i] !== 0;
    if (last && last.trained === isTrained && last.fromUser === fromUser) {
      last.text += piece;
      last.tokens++;
    } else spans.push({ text: piece, tokens: 1, trained: isTrained, fromUser });
    at = end;
  }
  return {
    row: options.row ?? 0,
    spans,
    tokens: encoded.tokens.length,
    supervisedTokens: encoded.supervisedTokens,
    truncated: encoded.truncated,
    ...(layout.unfollowed ? { unfollowed: true } : {}),
  };
}
