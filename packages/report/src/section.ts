import type { Phrase } from "@anneal/contracts";
import type { Analysis } from "./analysis.ts";
import type { Formatter } from "./format.ts";
import type { Html } from "./html.ts";
import type { ReportData } from "./schema.ts";
import type { Words } from "./words.ts";

export type Section = (context: {
  data: ReportData;
  analysis: Analysis;
  words: Words;
  f: Formatter;
  say: (text: string | Phrase) => string;
}) => Html;
