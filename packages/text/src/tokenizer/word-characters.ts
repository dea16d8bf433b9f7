/** What `\w` is to the original's regular expressions, for use inside a class (Unicode TS 18, annex C). */
export const wordCharacters = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
