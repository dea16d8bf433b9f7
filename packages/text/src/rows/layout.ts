import type { ChatRow, Message, TextRow } from "@anneal/contracts";
import type { Run, Traced } from "../chat/traced.ts";
import { renderTraced } from "../model/prompt.ts";
import type { TextModel } from "../model/text-model.ts";
import { TextError } from "../text-error.ts";
import { afterPrompt, losesThought, openedThought } from "./thoughts.ts";

// A row as tokens of known place in its text. Tokens that stand for no text (a BOS or EOS of the tokenizer's own) have
// start and end alike, and `extra` names them.
export interface Layout {
  text: string;
  runs: readonly Run[]; // which of the text the row itself holds
  ids: Int32Array;
  ends: Int32Array;
  trained: Float32Array; // weight of each token's loss; 0: not trained
  extra: Uint8Array;
  unfollowed: boolean; // an answer does not follow the prompt that serving sends, or loses its thought
}

interface Span {
  start: number;
  end: number;
  weight: number;
}

export function layoutRow(model: TextModel, row: ChatRow | TextRow): Layout {
  return "messages" in row ? layoutChat(model, row.messages) : layoutText(model, row.text);
}

// Running text: every token trained, and the end of the text with it.
function layoutText(model: TextModel, text: string): Layout {
  const { tokenizer } = model;
  const runs = text === "" ? [] : [{ start: 0, end: text.length, source: 0 }];
  const { ids, ends } = tokenizer.encodeGuarded(text, runs);
  const suffix =
    tokenizer.suffixIds.length > 0 ? tokenizer.suffixIds : tokenizer.eosId === null ? [] : [tokenizer.eosId];
  return surround(
    { text, runs, ids, ends, trained: new Float32Array(ids.length).fill(1), unfollowed: false },
    tokenizer.prefixIds,
    suffix,
  );
}

function layoutChat(model: TextModel, messages: readonly Message[]): Layout {
  const rendered = asServed(model, messages);
  const { text, runs } = rendered;
  const { tokenizer } = model;
  const { ids, ends } = tokenizer.encodeGuarded(text, runs);
  const startOf = (i: number) => (i === 0 ? 0 : (ends[i - 1] as number));
  const firstControl = (from: number, to: number): number => {
    for (let i = firstTokenFrom(ends, from); i < ids.length && startOf(i) < to; i++)
      if (startOf(i) >= from && tokenizer.isControl(ids[i] as number)) return i;
    return -1;
  };
  const spans: Span[] = [];
  let unfollowed = false;
  let closes = false; // the last answer is followed by nothing that ends it
  messages.forEach((message, index) => {
    const weight = message.weight ?? 1;
    if (message.role !== "assistant" || weight === 0) return;
    const place = answerPlace(model, messages, index, rendered, (from, to) => firstControl(from, to) >= 0);
    unfollowed ||= !place.follows;
    const { start } = place;
    if (start === null) return;
    const contentEnd = Math.max(start, runs.findLast((run) => run.source === index)?.end ?? start);
    const next = runs.find((run) => run.source > index && run.start >= contentEnd)?.start ?? text.length;
    const control = firstControl(contentEnd, next);
    if (control >= 0) spans.push({ start, end: Math.max(ends[control] as number, startOf(control) + 1), weight });
    else if (index === messages.length - 1) {
      spans.push({ start, end: text.length, weight });
      closes = true;
    } else spans.push({ start, end: contentEnd, weight });
  });
  const trained = new Float32Array(ids.length);
  let span = 0;
  for (let i = 0; i < ids.length; i++) {
    while (span < spans.length && startOf(i) >= (spans[span] as Span).end) span++;
    if (span < spans.length && startOf(i) >= (spans[span] as Span).start) trained[i] = (spans[span] as Span).weight;
  }
  const { bosId, eosId } = tokenizer;
  return surround(
    { text, runs, ids, ends, trained, unfollowed },
    model.addsBos && bosId !== null ? [bosId] : [],
    closes && eosId !== null ? [eosId] : [],
    spans.at(-1)?.weight,
  );
}

// Index of the first token that ends after a position.
function firstTokenFrom(ends: Int32Array, position: number): number {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] as number) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Where the model takes over: after the prompt that serving would send for this answer. Where the template renders no
// such prompt, or other text, at the first character of the answer itself: it then does not follow that prompt. start null:
// the template leaves the answer out, or its thought: nothing of it can be trained.
function answerPlace(
  model: TextModel,
  messages: readonly Message[],
  index: number,
  { text, runs }: Traced,
  holdsControl: (from: number, to: number) => boolean,
): { start: number | null; follows: boolean } {
  const first = runs.find((run) => run.source === index)?.start ?? null;
  const end = runs.findLast((run) => run.source === index)?.end ?? 0;
  const prompt = promptBefore(model, messages.slice(0, index))?.text ?? null;
  if (prompt !== null && !text.startsWith(prompt))
    return { start: openedThought(prompt) ? null : first, follows: false };
  const from = prompt?.length ?? 0;
  if (losesThought(messages[index] as Message, prompt, text.slice(from, Math.max(from, end))))
    return { start: null, follows: false };
  if (prompt === null) return { start: first, follows: true };
  if (first === null) return { start: from === text.length ? null : from, follows: true };
  return from <= first && !holdsControl(from, first)
    ? { start: from, follows: true }
    : { start: first, follows: false };
}

// The conversation as text. A template that writes answers of the past may leave out of the last one what serving asks for:
// its thought, or the mark that the prompt opens it with. That answer then stands right behind the prompt, whole.
function asServed(model: TextModel, messages: readonly Message[]): Traced {
  const written = renderTraced(model, messages, { addGenerationPrompt: false });
  const index = messages.findLastIndex(({ role, weight }) => role === "assistant" && weight !== 0);
  const message = messages[index];
  const prompt = message ? promptBefore(model, messages.slice(0, index)) : null;
  const end = written.runs.findLast((run) => run.source === index)?.end;
  if (!message || !prompt || end === undefined) return written;
  const follows = written.text.startsWith(prompt.text);
  if (follows && !losesThought(message, prompt.text, written.text.slice(prompt.length, Math.max(prompt.length, end))))
    return written;
  if (!follows && !openedThought(prompt.text)) return written;
  const next = written.runs.find((run) => run.source > index && run.start >= end)?.start ?? written.length;
  return afterPrompt(prompt, message, index, written.slice(end, next)) ?? written;
}

function promptBefore(model: TextModel, messages: readonly Message[]): Traced | null {
  if (messages.length === 0) return null;
  try {
    return renderTraced(model, messages, { addGenerationPrompt: true });
  } catch (error) {
    if (error instanceof TextError) return null;
    throw error;
  }
}

function surround(
  inner: Omit<Layout, "extra">,
  prefix: readonly number[],
  suffix: readonly number[],
  suffixWeight = 1,
): Layout {
  const { text, runs, unfollowed } = inner;
  const count = inner.ids.length;
  const total = prefix.length + count + suffix.length;
  const ids = new Int32Array(total);
  const ends = new Int32Array(total).fill(text.length);
  const trained = new Float32Array(total);
  const extra = new Uint8Array(total).fill(1);
  ids.set(prefix);
  ends.fill(0, 0, prefix.length);
  ids.set(inner.ids, prefix.length);
  ends.set(inner.ends, prefix.length);
  trained.set(inner.trained, prefix.length);
  extra.fill(0, prefix.length, prefix.length + count);
  ids.set(suffix, prefix.length + count);
  trained.fill(suffixWeight, prefix.length + count);
  trained[0] = 0; // nothing comes before the first token that could foretell it
  return { text, runs, ids, ends, trained, extra, unfollowed };
}
