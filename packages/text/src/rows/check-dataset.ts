import { type DatasetCheck, type DatasetRow, type RenderedRow, wordsOf, wordsOfError } from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";
import { TextError } from "../text-error.ts";
import { answersOf } from "./answers.ts";
import { encodedOf, explained, type RowOptions } from "./encode-row.ts";
import { layoutRow } from "./layout.ts";

export interface CheckOptions extends RowOptions {
  examples: number; // rows to show in full
  signal?: AbortSignal;
}

const firstBucket = 32;
const sliceMilliseconds = 20;
const mostSources = 100;

// Tokenises every row and counts what training would see. A preference counts once, with the tokens of both its answers;
// it is cut, or without loss, when either of them is. Lengths in the histogram and the longest are those of single sequences
// before truncation. Throws TextError that names the row which the template refuses.
export async function checkDataset(
  model: TextModel,
  rows: AsyncIterable<DatasetRow> | Iterable<DatasetRow>,
  options: CheckOptions,
): Promise<DatasetCheck> {
  const buckets: number[] = [];
  const sources = new Map<string, number>();
  const shown: RenderedRow[][] = [];
  const troubled: RenderedRow[][] = []; // rows cut off or without loss are shown before others
  const check = { rows: 0, tokens: 0, supervisedTokens: 0, truncatedRows: 0, zeroTargetRows: 0, longestTokens: 0 };
  let pause = performance.now() + sliceMilliseconds;
  for await (const row of rows) {
    const number = check.rows++;
    const answers = layoutNumbered(model, row, number);
    const encoded = answers.map(({ layout }) => encodedOf(layout, options));
    const length = Math.max(...answers.map(({ layout }) => layout.ids.length));
    for (const { tokens, supervisedTokens } of encoded) {
      check.tokens += tokens.length;
      check.supervisedTokens += supervisedTokens;
    }
    const truncated = encoded.some((one) => one.truncated);
    const withoutLoss = encoded.some(({ supervisedTokens }) => supervisedTokens === 0);
    check.longestTokens = Math.max(check.longestTokens, length);
    if (truncated) check.truncatedRows++;
    if (withoutLoss) check.zeroTargetRows++;
    countSource(sources, row.source);
    const bucket = Math.max(0, Math.ceil(Math.log2(Math.max(1, length) / firstBucket)));
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    const isTroubled = truncated || withoutLoss;
    const list = isTroubled ? troubled : shown;
    const limit = isTroubled ? Math.ceil(options.examples / 4) : options.examples;
    if (list.length < limit)
      list.push(
        answers.map(({ side, layout }) => ({
          ...explained(model, layout, { ...options, row: number }),
          ...(side ? { side } : {}),
        })),
      );
    // One thread serves others too: let them in between.
    if (performance.now() >= pause) {
      await new Promise((resolve) => setImmediate(resolve));
      options.signal?.throwIfAborted();
      pause = performance.now() + sliceMilliseconds;
    }
  }
  const examples = [...troubled, ...shown]
    .slice(0, options.examples)
    .flat()
    .sort((a, b) => a.row - b.row);
  const histogram = Array.from(buckets, (count, i) => ({ upToTokens: firstBucket * 2 ** i, rows: count ?? 0 }));
  return { ...check, sources: Object.fromEntries(sources), histogram, examples };
}

function countSource(sources: Map<string, number>, source: string | undefined): void {
  if (source !== undefined && (sources.has(source) || sources.size < mostSources))
    sources.set(source, (sources.get(source) ?? 0) + 1);
}

function layoutNumbered(model: TextModel, row: DatasetRow, number: number) {
  try {
    return answersOf(row).map((answer) => ({ side: answer.side, layout: layoutRow(model, answer.row) }));
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    throw new TextError(`row ${number + 1}`, wordsOfError(error), wordsOf(error, "remedy"), { cause: error });
  }
}
