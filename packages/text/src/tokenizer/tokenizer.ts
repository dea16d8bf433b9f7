import { say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import { type AddedToken, AddedTokenMatcher } from "./added-tokens.ts";
import type { Decoder } from "./decoder.ts";
import { checkGrowth, growthLimit } from "./growth.ts";
import type { MergeModel } from "./merge-model.ts";
import type { Normalizer } from "./normalizer.ts";
import { type PreTokenizer, whole } from "./pre-tokenizer.ts";
import { TokenType } from "./token-type.ts";

export interface EncodeOptions {
  // Control tokens written out in the text count as themselves; otherwise as ordinary text.
  parseSpecial: boolean;
  // Put the tokenizer's own first and last tokens (BOS, EOS) around the text. Default: false.
  addSpecial?: boolean;
}

// Runs of UTF-16 positions, in order and apart, that come from people: no control token is ever read there.
export interface TextRange {
  start: number;
  end: number;
}

export interface Encoding {
  ids: Int32Array;
  ends: Int32Array; // where each token ends in the text, in UTF-16 units; never falling
}

export interface TokenizerParts {
  tokens: readonly string[]; // as the vocabulary spells them
  types: Uint8Array; // TokenType of each
  model: MergeModel;
  normalizer: Normalizer;
  preTokenizer: PreTokenizer;
  added: readonly AddedToken[];
  decoder: Decoder;
  prefixIds: readonly number[]; // what the tokenizer itself puts before and after a text
  suffixIds: readonly number[];
  bosId: number | null;
  eosId: number | null;
  padId: number | null;
  unknownId: number | null;
}

const addedLimit = 1_000_000;

// Text to token ids and back, exactly as the model's own tokenizer does it. Not re-entrant, not shared by threads.
export class Tokenizer {
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly padId: number | null;
  readonly unknownId: number | null;
  readonly vocabularySize: number;
  readonly prefixIds: readonly number[];
  readonly suffixIds: readonly number[];
  private readonly parts: TokenizerParts;
  private readonly early: AddedTokenMatcher; // looked for in the text as it is
  private readonly late: AddedTokenMatcher; // looked for in normalised text
  private readonly idOf: ReadonlyMap<string, number>;
  private readonly specialIds: ReadonlySet<number>; // control tokens, and the unknown token where the files call it special

  constructor(parts: TokenizerParts) {
    // Each of their characters is a node of a tree.
    const characters = parts.added.reduce((sum, { content }) => sum + content.length, 0);
    if (characters > addedLimit)
      throw new TextError(
        "tokenizer",
        say`its added tokens have ${characters} characters; at most ${addedLimit} are read`,
        say`Remove entries that are not tokens from the tokenizer's files, or use the model's original ones.`,
      );
    this.parts = parts;
    this.bosId = parts.bosId;
    this.eosId = parts.eosId;
    this.padId = parts.padId;
    this.unknownId = parts.unknownId;
    this.vocabularySize = parts.tokens.length;
    this.prefixIds = parts.prefixIds;
    this.suffixIds = parts.suffixIds;
    this.early = new AddedTokenMatcher(parts.added.filter((token) => !token.normalized));
    let normalized = 0;
    this.late = new AddedTokenMatcher(
      parts.added.filter((token) => token.normalized),
      (token) => {
        const { text } = parts.normalizer(token.content, false);
        normalized += text.length;
        checkGrowth(normalized, growthLimit(characters), "tokenizer.json normalizer");
        return text;
      },
    );
    const idOf = new Map<string, number>();
    parts.tokens.forEach((text, id) => {
      if (!idOf.has(text)) idOf.set(text, id);
    });
    for (const token of parts.added) idOf.set(token.content, token.id);
    this.idOf = idOf;
    this.specialIds = new Set(parts.added.filter((token) => token.special).map(({ id }) => id));
  }

  encode(text: string, options: EncodeOptions): Int32Array {
    const sink = new TokenSink(text.length, false);
    this.encodeInto(text, sink, (token, _start, end) => (options.parseSpecial || !token.special ? true : end));
    const ids = sink.finish().ids;
    if (!options.addSpecial) return ids;
    return Int32Array.from([...this.prefixIds, ...ids, ...this.suffixIds]);
  }

  // Control tokens count, except where they touch text of `people`. Where that holds no control text, the ids are
  // those of encode(text, { parseSpecial: true }), merges across the borders included.
  encodeGuarded(text: string, people: readonly TextRange[]): Encoding {
    const sink = new TokenSink(text.length, true);
    this.encodeInto(text, sink, (token, start, end) => {
      if (!this.isSpecial(token.id)) return true;
      const range = firstRangeEndingAfter(people, start);
      if (!range || range.start >= end) return true;
      // Wholly inside: ordinary text. Across a border: the template's part may still begin a token of its own.
      return range.start <= start && range.end >= end ? end : start + 1;
    });
    return sink.finish();
  }

  private encodeInto(
    text: string,
    sink: TokenSink,
    allowed: (token: AddedToken, start: number, end: number) => true | number,
  ): void {
    let last = 0;
    for (const match of this.early.find(text, allowed)) {
      this.encodeRun(text, last, match.start, sink, allowed);
      sink.push(match.token.id, match.end);
      last = match.end;
    }
    this.encodeRun(text, last, text.length, sink, allowed);
  }

  // Text between added tokens: normalise, take out the late ones, cut into words, merge.
  private encodeRun(
    text: string,
    from: number,
    to: number,
    sink: TokenSink,
    allowed: (token: AddedToken, start: number, end: number) => true | number,
  ): void {
    if (from >= to) return;
    const source = from === 0 && to === text.length ? text : text.slice(from, to);
    const { text: normalized, positions } = this.parts.normalizer(source, sink.withEnds);
    const sourceAt = (at: number) => from + (positions ? (positions[Math.max(0, at)] ?? source.length) : at);
    if (this.late.isEmpty) {
      this.encodeWords(normalized, 0, from === 0, sink, sourceAt);
      return;
    }
    let last = 0;
    const matches = this.late.find(normalized, (token, start, end) => {
      const verdict = allowed(token, sourceAt(start), sourceAt(end));
      return verdict === true ? true : verdict === sourceAt(end) ? end : start + 1;
    });
    for (const match of matches) {
      this.encodeWords(normalized.slice(last, match.start), last, from === 0 && last === 0, sink, sourceAt);
      sink.push(match.token.id, sourceAt(match.end));
      last = match.end;
    }
    const rest = last === 0 ? normalized : normalized.slice(last);
    this.encodeWords(rest, last, from === 0 && last === 0, sink, sourceAt);
  }

  private encodeWords(
    text: string,
    offset: number,
    atStart: boolean,
    sink: TokenSink,
    sourceAt: (at: number) => number,
  ): void {
    if (text === "") return;
    const { texts, starts } = this.parts.preTokenizer(whole(text), atStart);
    const { model } = this.parts;
    for (let i = 0; i < texts.length; i++) {
      const { ids, ends } = model.encodeWord(texts[i] as string);
      if (!sink.withEnds) {
        sink.pushAll(ids);
        continue;
      }
      const start = offset + (starts[i] as number);
      for (let k = 0; k < ids.length; k++) sink.push(ids[k] as number, sourceAt(start + (ends[k] as number)));
    }
  }

  // skipSpecial leaves control and other special tokens out. Bytes that are no UTF-8 become U+FFFD.
  decode(ids: Iterable<number>, options: { skipSpecial?: boolean } = {}): string {
    const texts: string[] = [];
    for (const id of ids) {
      const text = this.parts.tokens[id];
      if (text === undefined || (options.skipSpecial && this.isSpecial(id))) continue;
      texts.push(text);
    }
    return this.parts.decoder.decode(texts);
  }

  // The vocabulary's own spelling; "" for an id outside it.
  tokenText(id: number): string {
    return this.parts.tokens[id] ?? "";
  }

  // What the token adds to a text, as bytes (one token may hold part of a character).
  tokenBytes(id: number): Uint8Array {
    const text = this.parts.tokens[id];
    return text === undefined ? new Uint8Array(0) : this.parts.decoder.bytes(text);
  }

  tokenId(text: string): number | null {
    return this.idOf.get(text) ?? null;
  }

  tokenType(id: number): TokenType {
    return (this.parts.types[id] ?? TokenType.unused) as TokenType;
  }

  isControl(id: number): boolean {
    return this.parts.types[id] === TokenType.control;
  }

  private isSpecial(id: number): boolean {
    return this.isControl(id) || this.specialIds.has(id);
  }

  // Control tokens take the white space after them along (Phi-3): what follows "<|user|>" loses its first newline.
  get stripsAfterControl(): boolean {
    return this.parts.added.some(({ id, rightStrip }) => rightStrip && this.isControl(id));
  }
}

function firstRangeEndingAfter(ranges: readonly TextRange[], position: number): TextRange | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as TextRange).end > position) high = middle;
    else low = middle + 1;
  }
  return ranges[low];
}

// Growing arrays of ids and, where wanted, ends.
class TokenSink {
  readonly withEnds: boolean;
  private ids: Int32Array;
  private ends: Int32Array;
  private count = 0;

  constructor(textLength: number, withEnds: boolean) {
    this.withEnds = withEnds;
    const capacity = Math.max(16, Math.ceil(textLength / 2));
    this.ids = new Int32Array(capacity);
    this.ends = new Int32Array(withEnds ? capacity : 0);
  }
  private reserve(more: number): void {
    if (this.count + more <= this.ids.length) return;
    const capacity = Math.max(this.ids.length * 2, this.count + more);
    const grow = (old: Int32Array) => {
      const grown = new Int32Array(capacity);
      grown.set(old);
      return grown;
    };
    this.ids = grow(this.ids);
    if (this.withEnds) this.ends = grow(this.ends);
  }
  push(id: number, end: number): void {
    this.reserve(1);
    this.ids[this.count] = id;
    if (this.withEnds)
      this.ends[this.count] = Math.max(end, this.count > 0 ? (this.ends[this.count - 1] as number) : 0);
    this.count++;
  }
  pushAll(ids: Int32Array): void {
    this.reserve(ids.length);
    for (let i = 0; i < ids.length; i++) this.ids[this.count + i] = ids[i] as number;
    this.count += ids.length;
  }
  finish(): Encoding {
    return { ids: this.ids.slice(0, this.count), ends: this.ends.slice(0, this.withEnds ? this.count : 0) };
  }
}
