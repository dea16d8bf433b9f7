import type { Refusal } from "../outcome.ts";
import type { SourceFile } from "./encoding.ts";
import { readLines } from "./lines.ts";

export interface TextBlock {
  line: number;
  text: string;
  refusal: Refusal | null;
}

// At the last line end, else the last space, in the second half; a text without either is cut where it must be.
function cutAt(text: string, cap: number): number {
  for (const sign of ["\n", " "]) {
    const at = text.lastIndexOf(sign, cap);
    if (at > cap / 2) return at;
  }
  const code = text.charCodeAt(cap - 1);
  return code >= 0xd800 && code <= 0xdbff ? cap - 1 : cap; // never through a surrogate pair
}

/** Paragraphs: empty lines separate the rows; a long one is cut so that nothing of it is lost to the sequence limit. */
export async function* readTextBlocks(
  file: SourceFile,
  options: { lineBytes: number; textRowCharacters: number },
  signal?: AbortSignal,
): AsyncGenerator<TextBlock[]> {
  const cap = options.textRowCharacters;
  let text = "";
  let begin = 0;
  const drain = (out: TextBlock[], all: boolean) => {
    while (text.length > cap) {
      const at = cutAt(text, cap);
      out.push({ line: begin, text: text.slice(0, at), refusal: null });
      text = text.slice(text[at] === "\n" || text[at] === " " ? at + 1 : at);
    }
    if (all && text.trim() !== "") out.push({ line: begin, text, refusal: null });
    if (all) text = "";
  };
  for await (const lines of readLines(file, options.lineBytes, signal)) {
    const out: TextBlock[] = [];
    for (const line of lines) {
      if (line.refusal) {
        drain(out, true);
        out.push(line);
      } else if (line.text.trim() === "") drain(out, true);
      else {
        if (text === "") begin = line.line;
        text = text === "" ? line.text : `${text}\n${line.text}`;
        if (text.length > cap) drain(out, false);
      }
    }
    yield out;
  }
  const rest: TextBlock[] = [];
  drain(rest, true);
  yield rest;
}
