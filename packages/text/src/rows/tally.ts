import {
  type DatasetCheck,
  type DatasetRow,
  type ObjectiveSpec,
  type RenderedRow,
  say,
  wordsOf,
  wordsOfError,
} from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";
import { TextError } from "../text-error.ts";
import { answersFor, measuredAnswer } from "./answers.ts";
import { encodedOf, explained, type RowOptions, trimmed } from "./encode-row.ts";
import { type Layout, layoutRow } from "./layout.ts";

export interface CheckOptions extends Omit<RowOptions, "weight"> {
  examples: number; // rows to show in full
  /** Counts and shows what this objective trains of the rows, as its shard holds it. Without one: all answers, whole. */
  objective?: ObjectiveSpec["kind"] | undefined;
  sourceWeights?: Readonly<Record<string, number>> | undefined;
  show?: "any" | "troubled" | undefined;
  embeddingRows?: number | undefined; // a token beyond them is refused with its row
}

const firstBucket = 32;
const mostSources = 100;
const mostNamed = 20;

type Marked = Extract<DatasetRow, { completion: unknown }>;

/** Tokenises rows one by one and counts what training would see of them; see checkDataset. */
export class DatasetTally {
  private readonly model: TextModel;
  private readonly options: CheckOptions;
  private readonly buckets: number[] = [];
  private readonly sources = new Map<string, number>();
  private readonly shown: RenderedRow[][] = [];
  private readonly troubled: RenderedRow[][] = []; // rows cut off, without loss or unfollowed are shown before others
  private readonly firstUnfollowed: number[] = [];
  private readonly counts = {
    rows: 0,
    tokens: 0,
    supervisedTokens: 0,
    truncatedRows: 0,
    zeroTargetRows: 0,
    unfollowedRows: 0,
    troubledRows: 0,
    longestTokens: 0,
  };
  private firstMarked: Marked | null = null;
  private lastMarked: Marked | null = null;

  constructor(model: TextModel, options: CheckOptions) {
    this.model = model;
    this.options = options;
  }

  /** Throws TextError that names the row which the template refuses, or which needs a token without a row of the embedding. */
  add(row: DatasetRow): void {
    const { objective } = this.options;
    const number = this.counts.rows++;
    naming(number, () => this.count(row, number));
    if (objective !== "kto" || !("completion" in row)) return;
    const before = this.lastMarked;
    if (before) naming(number - 1, () => this.countMeasured(before, row));
    this.firstMarked ??= row;
    this.lastMarked = row;
  }

  finish(): DatasetCheck {
    const { firstMarked, lastMarked } = this;
    if (firstMarked && lastMarked) naming(this.counts.rows - 1, () => this.countMeasured(lastMarked, firstMarked));
    const examples = [...this.troubled, ...this.shown]
      .slice(0, this.options.examples)
      .flat()
      .sort((a, b) => a.row - b.row);
    const histogram = Array.from(this.buckets, (count, i) => ({ upToTokens: firstBucket * 2 ** i, rows: count ?? 0 }));
    return {
      ...this.counts,
      firstUnfollowed: this.firstUnfollowed,
      sources: Object.fromEntries(this.sources),
      histogram,
      examples,
    };
  }

  private count(row: DatasetRow, number: number): void {
    const { model, options, counts } = this;
    const answers = answersFor(row, options.objective).map((answer) => ({
      side: answer.side,
      layout: this.within(layoutRow(model, answer.row)),
    }));
    const rowOptions = this.rowOptions(row);
    const encoded = answers.map(({ layout }) => this.addSequence(layout, rowOptions));
    const truncated = encoded.some((one) => one.truncated);
    const withoutLoss = encoded.some(({ supervisedTokens }) => supervisedTokens === 0);
    const unfollowed = answers.some(({ layout }) => layout.unfollowed);
    const length = Math.max(...answers.map(({ layout }) => layout.ids.length));
    counts.longestTokens = Math.max(counts.longestTokens, length);
    if (truncated) counts.truncatedRows++;
    if (withoutLoss) counts.zeroTargetRows++;
    if (unfollowed) {
      counts.unfollowedRows++;
      if (this.firstUnfollowed.length < mostNamed) this.firstUnfollowed.push(number);
    }
    this.countSource(row.source);
    const bucket = Math.max(0, Math.ceil(Math.log2(Math.max(1, length) / firstBucket)));
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    const isTroubled = truncated || withoutLoss || unfollowed;
    if (isTroubled) counts.troubledRows++;
    else if (options.show === "troubled") return;
    const list = isTroubled ? this.troubled : this.shown;
    const limit = isTroubled && options.show !== "troubled" ? Math.ceil(options.examples / 4) : options.examples;
    if (list.length >= limit) return;
    list.push(
      answers.map(({ side, layout }) => ({
        ...explained(model, layout, { ...rowOptions, row: number }),
        ...(side ? { side } : {}),
      })),
    );
  }

  /** Of a marked answer, the question with another row's answer: KTO reads it to measure how far the model moved. */
  private countMeasured(row: Marked, other: Marked): void {
    this.addSequence(this.within(layoutRow(this.model, measuredAnswer(row, other.completion))), this.rowOptions(row));
  }

  private addSequence(layout: Layout, rowOptions: RowOptions) {
    const encoded = encodedOf(layout, rowOptions);
    const { tokens } = this.options.objective === undefined ? encoded : trimmed(encoded);
    this.counts.tokens += tokens.length;
    this.counts.supervisedTokens += encoded.supervisedTokens;
    return encoded;
  }

  private rowOptions({ source }: DatasetRow): RowOptions {
    const { maxSequenceTokens, sourceWeights, objective } = this.options;
    if (source === undefined || objective === undefined || objective === "kto") return { maxSequenceTokens };
    return { maxSequenceTokens, weight: sourceWeights?.[source] ?? 1 };
  }

  private within(layout: Layout): Layout {
    const { embeddingRows } = this.options;
    const { tokenizer } = this.model;
    if (embeddingRows === undefined || tokenizer.vocabularySize <= embeddingRows) return layout;
    const beyond = layout.ids.find((id) => id >= embeddingRows);
    if (beyond === undefined) return layout;
    throw new TextError(
      "tokenizer",
      say`its token ${beyond} (${JSON.stringify(tokenizer.tokenText(beyond))}) has no row in the model's embedding, which has ${embeddingRows} rows for ${tokenizer.vocabularySize} tokens`,
      say`Leave the token's text out of the rows, or use the tokenizer that belongs to the model.`,
    );
  }

  private countSource(source: string | undefined): void {
    const { sources } = this;
    if (source !== undefined && (sources.has(source) || sources.size < mostSources))
      sources.set(source, (sources.get(source) ?? 0) + 1);
  }
}

function naming(number: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    throw new TextError(`row ${number + 1}`, wordsOfError(error), wordsOf(error, "remedy"), { cause: error });
  }
}
