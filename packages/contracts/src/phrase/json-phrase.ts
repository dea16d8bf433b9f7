import { takenApart } from "./forms.ts";
import type { Words } from "./phrase.ts";

/** What JSON.parse complains of, as V8 words it. */
export const jsonForms = [
  "Unexpected end of JSON input",
  "Unexpected token {0}, {1} is not valid JSON",
  "Unexpected token {0} in JSON at position {1}",
  "Unexpected non-whitespace character after JSON at position {0}",
  "Unterminated string in JSON at position {0}",
  "Unterminated fractional number in JSON at position {0}",
  "Expected property name or '}' in JSON at position {0}",
  "Expected double-quoted property name in JSON at position {0}",
  "Expected ',' or '}' after property value in JSON at position {0}",
  "Expected ',' or ']' after array element in JSON at position {0}",
  "Expected ':' after property name in JSON at position {0}",
  "Bad control character in string literal in JSON at position {0}",
  "Bad escaped character in JSON at position {0}",
  "Bad Unicode escape in JSON at position {0}",
  "No number after minus sign in JSON at position {0}",
  "Exponent part is missing a number in JSON at position {0}",
] as const;

const complaint = takenApart(jsonForms);

/** A complaint of JSON.parse as a phrase, or as it came where its form is not known. */
export const jsonWords = (message: string): Words => complaint(message) ?? message;
