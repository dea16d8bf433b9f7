import { byteToChar } from "./byte-alphabet.ts";
import { mergeSymbols } from "./merge.ts";
import type { PairTable } from "./pair-table.ts";

// Tokens of one word; `ends[i]` is where token i ends in the word, in UTF-16 units.
export interface Word {
  ids: Int32Array;
  ends: Int32Array;
}

export interface MergeModelOptions {
  vocabulary: ReadonlyMap<string, number>;
  pairs: PairTable;
  byteLevel: boolean; // symbols are bytes (GPT-2's alphabet), else code points
  ignoreMerges: boolean; // a word that is an entry is that token, whatever the merges say
  unknownId: number | null;
  fuseUnknown: boolean;
  byteFallback: boolean; // a code point without an entry becomes its <0xNN> tokens
  // Code points that only merges know, with ids from `from` on, beyond every token.
  pseudoSymbols?: { from: number; ids: ReadonlyMap<string, number> };
}

const encoder = new TextEncoder();
const cacheLimit = 32_768; // about half a kilobyte each
const cachedWordLength = 64;

// Byte-pair encoding of one pre-tokenized word: what Hugging Face calls BPE and SentencePiece's BPE alike.
export class MergeModel {
  private readonly options: MergeModelOptions;
  private readonly byteIds = new Int32Array(256).fill(-1);
  private readonly cache = new Map<string, Word>();
  private bytes = new Uint8Array(256);
  private symbols = new Int32Array(256);
  private ends = new Int32Array(256);

  constructor(options: MergeModelOptions) {
    this.options = options;
    for (let byte = 0; byte < 256; byte++) {
      const name = options.byteLevel
        ? (byteToChar[byte] as string)
        : `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
      this.byteIds[byte] = options.vocabulary.get(name) ?? -1;
    }
  }

  encodeWord(word: string): Word {
    const cached = this.cache.get(word);
    if (cached) return cached;
    const result = this.compute(word);
    if (word.length <= cachedWordLength) {
      // Starting afresh when full is cheaper than keeping an order of use, and costs little: words repeat.
      if (this.cache.size >= cacheLimit) this.cache.clear();
      // As a key, a slice of a big text would keep the whole text alive; a copy does not.
      this.cache.set(` ${word}`.slice(1), result);
    }
    return result;
  }

  private compute(word: string): Word {
    return this.options.byteLevel ? this.computeBytes(word) : this.computeCodePoints(word);
  }

  private reserve(count: number): void {
    if (this.symbols.length >= count) return;
    const capacity = Math.max(count, this.symbols.length * 2);
    this.bytes = new Uint8Array(capacity);
    this.symbols = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
  }

  private computeBytes(word: string): Word {
    this.reserve(word.length * 3);
    const { written } = encoder.encodeInto(word, this.bytes);
    const { bytes, symbols, ends } = this;
    if (this.options.ignoreMerges) {
      let name = "";
      for (let i = 0; i < written; i++) name += byteToChar[bytes[i] as number];
      const id = this.options.vocabulary.get(name);
      if (id !== undefined) return { ids: Int32Array.of(id), ends: Int32Array.of(word.length) };
    }
    let count = 0;
    for (let i = 0; i < written; i++) {
      let id = this.byteIds[bytes[i] as number] as number;
      if (id < 0) {
        const { unknownId } = this.options;
        if (unknownId === null) continue;
        id = unknownId;
        if (this.options.fuseUnknown && count > 0 && symbols[count - 1] === unknownId) {
          ends[count - 1] = i + 1;
          continue;
        }
      }
      symbols[count] = id;
      ends[count++] = i + 1;
    }
    count = mergeSymbols(symbols, ends, count, this.options.pairs);
    const result = { ids: symbols.slice(0, count), ends: ends.slice(0, count) };
    if (written !== word.length) byteEndsToCharEnds(word, result.ends);
    return result;
  }

  private computeCodePoints(word: string): Word {
    const { vocabulary, pseudoSymbols, pairs, unknownId, byteFallback, fuseUnknown, ignoreMerges } = this.options;
    if (ignoreMerges) {
      const id = vocabulary.get(word);
      if (id !== undefined) return { ids: Int32Array.of(id), ends: Int32Array.of(word.length) };
    }
    this.reserve(word.length * 3);
    const { symbols, ends } = this;
    let count = 0;
    let end = 0;
    for (const char of word) {
      end += char.length;
      const id = vocabulary.get(char) ?? pseudoSymbols?.ids.get(char);
      if (id !== undefined) {
        symbols[count] = id;
        ends[count++] = end;
        continue;
      }
      if (byteFallback) {
        const bytes = encoder.encode(char);
        if (bytes.every((byte) => (this.byteIds[byte] as number) >= 0)) {
          for (const byte of bytes) {
            symbols[count] = this.byteIds[byte] as number;
            ends[count++] = end;
          }
          continue;
        }
      }
      if (unknownId === null) continue;
      if (fuseUnknown && count > 0 && symbols[count - 1] === unknownId) ends[count - 1] = end;
      else {
        symbols[count] = unknownId;
        ends[count++] = end;
      }
    }
    count = mergeSymbols(symbols, ends, count, pairs);
    return pseudoSymbols
      ? this.replacePseudo(word, count, pseudoSymbols.from)
      : { ids: symbols.slice(0, count), ends: ends.slice(0, count) };
  }

  // A code point that no merge used up and that is no entry itself: its bytes, else the unknown token.
  private replacePseudo(word: string, count: number, firstPseudo: number): Word {
    const ids: number[] = [];
    const ends: number[] = [];
    let start = 0;
    for (let i = 0; i < count; i++) {
      const id = this.symbols[i] as number;
      const end = this.ends[i] as number;
      if (id < firstPseudo) {
        ids.push(id);
        ends.push(end);
      } else {
        const known = [...encoder.encode(word.slice(start, end))].map((byte) => this.byteIds[byte] as number);
        const pieces = known.every((byteId) => byteId >= 0)
          ? known
          : this.options.unknownId === null
            ? []
            : [this.options.unknownId];
        for (const piece of pieces) {
          ids.push(piece);
          ends.push(end);
        }
      }
      start = end;
    }
    return { ids: Int32Array.from(ids), ends: Int32Array.from(ends) };
  }
}

// Rewrites byte offsets as UTF-16 offsets; an end inside a character counts as before it.
function byteEndsToCharEnds(word: string, ends: Int32Array): void {
  let byte = 0;
  let char = 0;
  for (let i = 0; i < ends.length; i++) {
    const target = ends[i] as number;
    while (char < word.length) {
      const code = word.codePointAt(char) as number;
      const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (byte + size > target) break;
      byte += size;
      char += code < 0x10000 ? 1 : 2;
    }
    ends[i] = char;
  }
}
