import type { DatasetCheck, DatasetRow, RenderedRow } from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";
import { TextError } from "../text-error.ts";
import { encodedOf, explained, type RowOptions } from "./encode-row.ts";
import { type Layout, layoutRow } from "./layout.ts";

export interface CheckOptions extends RowOptions {
  examples: number; // rows to show in full
  signal?: AbortSignal;
}

const firstBucket = 32;
const sliceMilliseconds = 20;

// Tokenises every row and counts what training would see. Lengths in the histogram and the longest are those before
// truncation. Throws TextError that names the row which the template refuses.
export async function checkDataset(
  model: TextModel,
  rows: AsyncIterable<DatasetRow> | Iterable<DatasetRow>,
  options: CheckOptions,
): Promise<DatasetCheck> {
  const buckets: number[] = [];
  const shown: RenderedRow[] = [];
  const troubled: RenderedRow[] = []; // rows cut off or without loss are shown before others
  const check = { rows: 0, tokens: 0, supervisedTokens: 0, truncatedRows: 0, zeroTargetRows: 0, longestTokens: 0 };
  let pause = performance.now() + sliceMilliseconds;
  for await (const row of rows) {
    const number = check.rows++;
    const layout = layoutNumbered(model, row, number);
    const encoded = encodedOf(layout, options);
    const length = layout.ids.length;
    check.tokens += encoded.tokens.length;
    check.supervisedTokens += encoded.supervisedTokens;
    check.longestTokens = Math.max(check.longestTokens, length);
    if (encoded.truncated) check.truncatedRows++;
    if (encoded.supervisedTokens === 0) check.zeroTargetRows++;
    const bucket = Math.max(0, Math.ceil(Math.log2(Math.max(1, length) / firstBucket)));
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    const isTroubled = encoded.truncated || encoded.supervisedTokens === 0;
    const list = isTroubled ? troubled : shown;
    const limit = isTroubled ? Math.ceil(options.examples / 4) : options.examples;
    if (list.length < limit) list.push(explained(model, layout, { ...options, row: number }));
    // One thread serves others too: let them in between.
    if (performance.now() >= pause) {
      await new Promise((resolve) => setImmediate(resolve));
      options.signal?.throwIfAborted();
      pause = performance.now() + sliceMilliseconds;
    }
  }
  const examples = [...troubled, ...shown].slice(0, options.examples).sort((a, b) => a.row - b.row);
  const histogram = Array.from(buckets, (count, i) => ({ upToTokens: firstBucket * 2 ** i, rows: count ?? 0 }));
  return { ...check, histogram, examples };
}

function layoutNumbered(model: TextModel, row: DatasetRow, number: number): Layout {
  try {
    return layoutRow(model, row);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    throw new TextError(`row ${number + 1}`, error.message, error.remedy, { cause: error });
  }
}
