// Merges of a byte-level vocabulary, learnt from a few texts.
import { byteAlphabet } from "./byte-alphabet.ts";

/** Byte pairs merged where they stand side by side, whatever lies between words: the most frequent first. */
export function mergesOf(words: readonly string[], count: number): [string, string][] {
  let rows = words.map((word) => Array.from(Buffer.from(word), (byte) => byteAlphabet[byte] ?? ""));
  const merges: [string, string][] = [];
  while (merges.length < count) {
    const seen = new Map<string, { pair: [string, string]; count: number }>();
    for (const row of rows)
      for (let i = 0; i + 1 < row.length; i++) {
        const pair: [string, string] = [row[i] ?? "", row[i + 1] ?? ""];
        const entry = seen.get(pair.join("\n")) ?? { pair, count: 0 };
        entry.count++;
        seen.set(pair.join("\n"), entry);
      }
    const best = [...seen.values()].reduce((a, b) => (b.count > a.count ? b : a));
    merges.push(best.pair);
    rows = rows.map((row) => {
      const out: string[] = [];
      for (const piece of row)
        if (out.at(-1) === best.pair[0] && piece === best.pair[1]) out[out.length - 1] = best.pair.join("");
        else out.push(piece);
      return out;
    });
  }
  return merges;
}
