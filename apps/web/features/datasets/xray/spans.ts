import type { TokenSpan } from "@anneal/contracts";

/** Neighbours that are both trained become one run: one mark to see and one to hear. */
export function joinTrained(spans: readonly TokenSpan[]): TokenSpan[] {
  const joined: TokenSpan[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (span.trained && last?.trained)
      joined[joined.length - 1] = { ...last, text: last.text + span.text, tokens: last.tokens + span.tokens };
    else joined.push(span);
  }
  return joined;
}
