import type { Message } from "@anneal/contracts";
import type { Run, Traced } from "../chat/traced.ts";
import { renderTraced } from "../model/prompt.ts";
import type { TextModel } from "../model/text-model.ts";
import { decodeSaid, isThoughtMark, thoughtMarks } from "../model/thought-marks.ts";
import { TextError } from "../text-error.ts";

/**
 * What a template places around an answer. A model trained on its rows says it too, yet it is no part of the row's answer: it is left
 * out wherever answers are compared or shown.
 */
export interface AnswerFrame {
  before: string; // between the prompt of serving and the answer
  after: string; // between the answer and the token that ends the turn
  opensThought: boolean; // the prompt of serving ends inside a thought
  tokens: number; // of the answer as the model has to say it: frame, answer and end of turn
}

/** What a model said, read as its reader would: thoughts and the template's own text apart. */
export interface ReadAnswer {
  text: string;
  thought: string | null; // null: it did not think aloud
  open: boolean; // it was cut off inside a thought, or before the answer began: there is none yet
}

/** Frame and length of an answer under its prompt. Where the template refuses the conversation, there is nothing around it. */
export function answerFrame(model: TextModel, prompt: readonly Message[], answer: Message): AnswerFrame {
  try {
    return frameOf(
      model,
      renderTraced(model, prompt, { addGenerationPrompt: true }).text,
      renderTraced(model, [...prompt, answer], { addGenerationPrompt: false }),
      prompt.length,
    );
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const { length } = model.tokenizer.encode(answer.content, { parseSpecial: false });
    return { before: "", after: "", opensThought: false, tokens: length + 1 };
  }
}

function frameOf(model: TextModel, asked: string, { text, runs }: Traced, index: number): AnswerFrame {
  const { ids, ends } = model.tokenizer.encodeGuarded(text, runs);
  const startOf = (i: number) => (i === 0 ? 0 : (ends[i - 1] as number));
  const isOwn = (run: Run) => run.source === index;
  const promptEnd = sharedLength(asked, text);
  const first = Math.max(promptEnd, runs.find(isOwn)?.start ?? promptEnd);
  const last = Math.max(first, runs.findLast(isOwn)?.end ?? first);
  let stop = ids.findIndex((id, i) => startOf(i) >= last && model.tokenizer.isControl(id) && !isThoughtMark(model, id));
  const after = text.slice(last, stop < 0 ? text.length : startOf(stop));
  if (stop < 0) stop = ids.length; // the end of the text ends it
  const begin = ids.findIndex((_, i) => (ends[i] as number) > promptEnd);
  return {
    before: plain(model, text.slice(promptEnd, first)),
    after: plain(model, after),
    opensThought: endsInThought(asked),
    tokens: stop + 1 - (begin < 0 ? stop : begin),
  };
}

function sharedLength(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

/** The template's own text as a decoded answer would show it. */
const plain = (model: TextModel, text: string): string =>
  text === "" ? "" : decodeSaid(model, model.tokenizer.encodeGuarded(text, []).ids);

function endsInThought(prompt: string): boolean {
  return thoughtMarks.some(([open, close]) => {
    const at = prompt.lastIndexOf(open);
    // Only at the very end: a question may speak of the thoughtMarks.
    return at >= 0 && !prompt.includes(close, at) && prompt.slice(at + open.length).trim() === "";
  });
}

/** Thoughts at the beginning taken off; `inside`: the text begins within one. */
function afterThoughts(text: string, inside: boolean): { thought: string | null; rest: string; open: boolean } {
  let rest = text;
  let thought: string | null = null;
  let within = inside;
  for (;;) {
    const opened = thoughtMarks.find(([open]) => rest.trimStart().startsWith(open));
    if (!opened && !within) return { thought, rest, open: false };
    const body = opened ? rest.trimStart().slice(opened[0].length) : rest;
    const closes = opened ? [opened[1]] : thoughtMarks.map(([, close]) => close);
    const end = closes
      .map((close) => ({ close, at: body.indexOf(close) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)[0];
    if (!end) return { thought: body, rest, open: true };
    const said = body.slice(0, end.at).trim();
    thought = said === "" ? thought : [thought, said].filter((part) => part !== null).join("\n");
    rest = body.slice(end.at + end.close.length);
    within = false;
  }
}

/** An answer without thoughts and without the template's own text. `cut`: it ended at a cap, not by itself. */
export function readAnswer(frame: AnswerFrame, said: string, cut = false): ReadAnswer {
  // Cut off within the template's own text: the answer had not begun.
  if (cut && said.trim() !== "" && frame.before.trimStart().startsWith(said.trim()))
    return { text: "", thought: null, open: true };
  const { thought, rest, open } = afterThoughts(said, frame.opensThought);
  if (open && cut) return { text: "", thought, open: true };
  let text = rest;
  const own = afterThoughts(frame.before, frame.opensThought);
  const lead = own.open ? "" : own.rest.trim();
  if (lead !== "" && text.trimStart().startsWith(lead)) text = text.trimStart().slice(lead.length);
  const tail = frame.after.trim();
  if (tail !== "" && text.trimEnd().endsWith(tail)) text = text.trimEnd().slice(0, -tail.length);
  // A thought that the text closes nowhere is none: it answered at once, in a prompt that opened one.
  return { text: text.trim(), thought: open ? null : thought, open: false };
}

/** What a row expects, without the thoughts in it. */
export const expectedAnswer = (content: string): string => afterThoughts(content, false).rest.trim();
