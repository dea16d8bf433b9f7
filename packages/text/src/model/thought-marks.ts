import type { TextModel } from "./text-model.ts";

// As the families write them; a mark may be a control token or plain text.
export const thoughtMarks = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
  ["<thought>", "</thought>"],
  ["<reasoning>", "</reasoning>"],
  ["<seed:think>", "</seed:think>"],
  ["[THINK]", "[/THINK]"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
] as const;
const markTexts: ReadonlySet<string> = new Set(thoughtMarks.flat());

export const isThoughtMark = (model: TextModel, id: number) => markTexts.has(model.tokenizer.tokenText(id));

/** Text of tokens without control tokens, but with the marks of thoughts, which some tokenizers hold as such. */
export function decodeSaid(model: TextModel, ids: Iterable<number>): string {
  const { tokenizer } = model;
  let said = "";
  let piece: number[] = [];
  for (const id of ids) {
    if (!tokenizer.isControl(id) || !isThoughtMark(model, id)) piece.push(id);
    else {
      said += tokenizer.decode(piece, { skipSpecial: true }) + tokenizer.tokenText(id);
      piece = [];
    }
  }
  return said + tokenizer.decode(piece, { skipSpecial: true });
}
