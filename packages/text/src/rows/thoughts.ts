import type { Message } from "@anneal/contracts";
import { concat, Traced } from "../chat/traced.ts";

// What reasoning models write before an answer: a thought between two marks. Some templates open it in the prompt for the
// next answer, some keep of past answers only what follows the closing mark.
interface Marks {
  open: string;
  close: string;
}
const think: Marks = { open: "<think>", close: "</think>" };
const openedAtEnd = /(?:<([\w:-]*(?:think|thought|reason)[\w:-]*)>|\[(THINK)\])\s*$/i;

/** The mark that a prompt ends in, or null. */
export function openedThought(prompt: string): Marks | null {
  const match = openedAtEnd.exec(prompt.slice(-200));
  if (!match) return null;
  const [, angle, square] = match;
  return angle ? { open: `<${angle}>`, close: `</${angle}>` } : { open: `[${square}]`, close: `[/${square}]` };
}

interface Parts {
  thought: string;
  said: string;
  inContent: boolean; // between marks in the content, not in a field of its own
}

function partsOf(message: Message, { open, close }: Marks): Parts | null {
  const { content, reasoning_content: field } = message;
  if (field !== undefined) return { thought: field, said: content, inContent: false };
  const end = content.indexOf(close);
  if (end < 0) return null;
  const before = content.slice(0, end);
  const start = before.indexOf(open);
  return {
    thought: start < 0 ? before : before.slice(start + open.length),
    said: content.slice(end + close.length),
    inContent: true,
  };
}

/** Whether an answer's thought is left out of its text. An empty thought is nowhere missing. */
export function losesThought(message: Message, prompt: string | null, written: string): boolean {
  const thought = partsOf(message, openedThought(prompt ?? "") ?? think)?.thought.trim() ?? "";
  return !written.includes(thought);
}

/**
 * The answer with its thought behind the prompt that serving sends, where the template, which writes answers of the past, leaves
 * the thought out or does not open it. `ending` closes the turn. Null where the answer holds no thought.
 */
export function afterPrompt(prompt: Traced, message: Message, index: number, ending: Traced): Traced | null {
  const opened = openedThought(prompt.text);
  const marks = opened ?? think;
  const parts = partsOf(message, marks);
  if (!parts) return null;
  const { thought, said, inContent } = parts;
  const foreign = (text: string) => Traced.from(text, index);
  // What the prompt has opened is not opened again, and its line feed not doubled.
  const inner = thought.trim() === "" ? "" : inContent ? thought : `${thought.replace(/^\n+|\n+$/g, "")}\n`;
  return concat([
    prompt,
    ...(opened ? [] : [new Traced(inContent ? marks.open : `${marks.open}\n`)]),
    foreign(opened && prompt.text.endsWith("\n") ? inner.replace(/^\n/, "") : inner),
    new Traced(inContent ? marks.close : `${marks.close}\n\n`),
    foreign(said),
    ending,
  ]);
}
