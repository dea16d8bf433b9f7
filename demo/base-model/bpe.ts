// A byte-level BPE tokenizer of GPT-2's kind, trained from texts. Digits stand alone ("smollm" in llama.cpp's words).

export interface Bpe {
  /** Byte-alphabet spellings, control tokens first, then the 256 bytes, then one token per merge. */
  tokens: string[];
  merges: string[];
  controlTokens: number;
}

const pieces = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** The printable stand-in of every byte, as GPT-2 chose them. */
export const byteAlphabet: readonly string[] = (() => {
  let next = 256;
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const spell = (piece: string) => Array.from(new TextEncoder().encode(piece), (byte) => byteAlphabet[byte] as string);

interface Word {
  symbols: string[];
  count: number;
}

function countWords(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const [run] of text.matchAll(/\p{N}|\P{N}+/gu))
      for (const [piece] of run.matchAll(pieces)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return [...counts].map(([piece, count]) => ({ symbols: spell(piece), count }));
}

// Ties go to the pair that sorts first, so that the order of the texts does not matter.
function mostFrequentPair(words: readonly Word[]): { left: string; right: string; count: number } | null {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words)
    for (let i = 0; i + 1 < symbols.length; i++) {
      const key = `${symbols[i]} ${symbols[i + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  let best: string | null = null;
  let most = 0;
  for (const [key, count] of counts)
    if (count > most || (count === most && best !== null && key < best)) {
      best = key;
      most = count;
    }
  if (best === null) return null;
  const [left = "", right = ""] = best.split(" ");
  return { left, right, count: most };
}

function join(words: readonly Word[], left: string, right: string): void {
  for (const word of words) {
    const { symbols } = word;
    if (!symbols.includes(left)) continue;
    const joined: string[] = [];
    for (let i = 0; i < symbols.length; i++) {
      if (symbols[i] === left && symbols[i + 1] === right) {
        joined.push(left + right);
        i++;
      } else joined.push(symbols[i] as string);
    }
    word.symbols = joined;
  }
}

/** Stops early where no pair comes twice. */
export function trainBpe(texts: Iterable<string>, vocabularySize: number, controlTokens: readonly string[]): Bpe {
  const words = countWords(texts);
  const tokens = [...controlTokens, ...byteAlphabet];
  const known = new Set(tokens);
  const merges: string[] = [];
  while (tokens.length < vocabularySize) {
    const pair = mostFrequentPair(words);
    if (!pair || pair.count < 2) break;
    join(words, pair.left, pair.right);
    merges.push(`${pair.left} ${pair.right}`);
    const made = pair.left + pair.right;
    if (!known.has(made)) {
      known.add(made);
      tokens.push(made);
    }
  }
  return { tokens, merges, controlTokens: controlTokens.length };
}
