// What \w is, for use inside a class, differs between the two regular expressions that the originals run.

/** In Rust's regex crate (single-word added tokens, the Whitespace pre-tokenizer): Unicode TS 18, annex C. */
export const rustRegexWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

/** In Oniguruma (patterns of a tokenizer.json): letters, marks, digits and connectors; joiners are no part of a word. */
export const onigurumaWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
