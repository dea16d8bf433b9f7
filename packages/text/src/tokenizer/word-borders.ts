import type { Pieces, PreTokenizer } from "./pre-tokenizer.ts";

// SentencePiece merges over a whole line. Where no token holds "▁" after another character, no merge crosses the
// border in front of a "▁": cutting there changes nothing and lets words be cached.
export function wordBorders(preTokenizer: PreTokenizer, tokens: readonly string[]): PreTokenizer {
  const crosses = tokens.some((token) => /[^▁]▁/u.test(token) && !token.startsWith("<"));
  if (crosses) return preTokenizer;
  return (pieces, atStart) => {
    const before = preTokenizer(pieces, atStart);
    const out: Pieces = { texts: [], starts: [] };
    for (let i = 0; i < before.texts.length; i++) {
      const text = before.texts[i] as string;
      const start = before.starts[i] as number;
      let last = 0;
      for (let at = text.indexOf("▁", 1); at >= 0; at = text.indexOf("▁", at + 1)) {
        if (text[at - 1] === "▁") continue;
        out.texts.push(text.slice(last, at));
        out.starts.push(start + last);
        last = at;
      }
      out.texts.push(last === 0 ? text : text.slice(last));
      out.starts.push(start + last);
    }
    return out;
  };
}
