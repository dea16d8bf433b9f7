import type { ChatRow, Message, TextRow } from "@anneal/contracts";
import type { Run, Traced } from "../chat/traced.ts";
import { renderTraced } from "../model/prompt.ts";
import type { TextModel } from "../model/text-model.ts";
import { TextError } from "../text-error.ts";

// A row as tokens of known place in its text. Tokens that stand for no text (a BOS or EOS of the tokenizer's own) have
// start and end alike, and `extra` names them.
export interface Layout {
  text: string;
  runs: readonly Run[]; // which of the text the row itself holds
  ids: Int32Array;
  ends: Int32Array;
  trained: Float32Array; // weight of each token's loss; 0: not trained
  extra: Uint8Array;
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
    { text, runs, ids, ends, trained: new Float32Array(ids.length).fill(1) },
    tokenizer.prefixIds,
    suffix,
  );
}

function layoutChat(model: TextModel, messages: readonly Message[]): Layout {
  const rendered = renderTraced(model, messages, { addGenerationPrompt: false });
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
  let closes = false; // the last answer is followed by nothing that ends it
  messages.forEach((message, index) => {
    const weight = message.weight ?? 1;
    if (message.role !== "assistant" || weight === 0) return;
    const start = answerStart(model, messages, index, rendered, (from, to) => firstControl(from, to) >= 0);
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
    { text, runs, ids, ends, trained },
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
// such prompt, or other text, at the first character of the answer itself. null: the template leaves this answer out.
function answerStart(
  model: TextModel,
  messages: readonly Message[],
  index: number,
  rendered: Traced,
  holdsControl: (from: number, to: number) => boolean,
): number | null {
  const first = rendered.runs.find((run) => run.source === index)?.start ?? null;
  const prompt = promptBefore(model, messages.slice(0, index));
  if (prompt === null || !rendered.text.startsWith(prompt)) return first;
  if (first === null) return prompt.length === rendered.length ? null : prompt.length;
  return prompt.length <= first && !holdsControl(prompt.length, first) ? prompt.length : first;
}

function promptBefore(model: TextModel, messages: readonly Message[]): string | null {
  if (messages.length === 0) return null;
  try {
    return renderTraced(model, messages, { addGenerationPrompt: true }).text;
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
  const { text, runs } = inner;
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
  return { text, runs, ids, ends, trained, extra };
}
