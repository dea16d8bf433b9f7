import { type ColumnMapping, type DatasetRow, type Message, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { type Fields, fullText, isObject, isText, kindOf } from "./fields.ts";
import type { Keys } from "./keys.ts";
import { type MappedOptions, readQuestion } from "./mapped.ts";
import { guessQuestion } from "./mapping.ts";
import { asList, same, takeSystem, toMessages, turnsKey } from "./messages.ts";
import { findName, pairNames } from "./names.ts";
import { repeated } from "./repeated.ts";

type Read = Message[] | Refusal;
const isBad = (value: Read): value is Refusal => !Array.isArray(value);
const unweighed = ({ weight: _, ...message }: Message): Message => message;

/** The keys under which a row keeps a better and a worse answer. */
export function pairKeys(row: Fields): [better: string, worse: string] | undefined {
  const keys = Object.keys(row).filter((key) => typeof row[key] === "string" || asList(row[key]) !== undefined);
  for (const [better, worse] of pairNames) {
    const found = [findName([better], keys), findName([worse], keys)] as const;
    if (found[0] !== undefined && found[1] !== undefined) return [found[0], found[1]];
  }
  return undefined;
}

/** An answer: a text, a message, or messages. It is compared as a whole, so no part of it can weigh less than another. */
export function readCompared(keys: Keys, field: string, cap: number): Read {
  const value = keys.take(field);
  const turns = asList(value);
  if (turns) {
    const read = toMessages(turns, field, keys, cap);
    if (isBad(read)) return read;
    const weighed = read.findIndex(({ weight }) => weight !== undefined && weight !== 1);
    if (weighed >= 0)
      return refuse(
        say`message ${weighed + 1} of "${field}" has a weight; an answer that is compared counts as a whole`,
        say`leave weight out`,
      );
    return read.map(unweighed);
  }
  const text = fullText(value, `"${field}"`);
  return isText(text) ? [{ role: "assistant", content: text }] : text;
}

/** What a comparison is about: a question under its usual names, or a conversation; undefined: the row names none. */
export function readAsked(keys: Keys, mapping: ColumnMapping | null, o: MappedOptions): Read | undefined {
  const guessed = mapping ?? guessQuestion(keys.names());
  if (guessed !== null) {
    const read = readQuestion(keys, guessed, o);
    return isBad(read) ? read : read.map(unweighed);
  }
  const field = Array.isArray(keys.peek("messages")) ? "messages" : turnsKey(keys.values);
  if (field === undefined) return undefined;
  const read = toMessages(keys.take(field), field, keys, o.cap);
  if (isBad(read)) return read;
  return [...(read[0]?.role === "system" ? [] : takeSystem(keys)), ...read.map(unweighed)];
}

export function checkedPrompt(prompt: Message[]): Read {
  if (prompt.some(({ role }) => role !== "system")) return prompt;
  return refuse(say`the row has no question`, say`give the row a "prompt"`);
}

export function checkedAnswer(answer: Message[], field: string): Read {
  if (answer.some(({ role }) => role === "assistant")) return answer;
  return refuse(
    say`"${field}" holds no message of the assistant`,
    say`give it the answer as a text, or with role assistant`,
  );
}

function toPair(prompt: Read, chosen: Read, rejected: Read, names: readonly [string, string]): DatasetRow | Refusal {
  if (isBad(prompt)) return prompt;
  if (isBad(chosen)) return chosen;
  if (isBad(rejected)) return rejected;
  const asked = checkedPrompt(prompt);
  if (isBad(asked)) return asked;
  for (const [i, answer] of [chosen, rejected].entries()) {
    const checked = checkedAnswer(answer, names[i] ?? "");
    if (isBad(checked)) return checked;
  }
  const parts = repeated(asked, [chosen, rejected], names);
  if ("cause" in parts) return parts;
  const [better, worse] = parts.answers as [Message[], Message[]];
  const alike = (message: Message, i: number) =>
    same(message, worse[i]) && message.reasoning_content === worse[i]?.reasoning_content;
  if (better.length === worse.length && better.every(alike))
    return refuse(
      say`"${names[0]}" and "${names[1]}" are the same answer`,
      say`give two that differ, or leave the row out`,
    );
  return { prompt: parts.prompt, chosen: better, rejected: worse };
}

/** Where only two whole conversations are given, the question is what both begin with. */
function sharedStart(chosen: Message[], rejected: Message[]): Message[] {
  let count = 0;
  while (count < Math.min(chosen.length, rejected.length) - 1 && same(chosen[count], rejected[count])) count++;
  return chosen.slice(0, count);
}

/**
 * {"prompt" or "messages" or "instruction", "chosen", "rejected"}: texts, messages or lists of them; without a question, two
 * whole conversations.
 */
export function readPreference(keys: Keys, mapping: ColumnMapping | null, o: MappedOptions): DatasetRow | Refusal {
  const names: [string, string] =
    mapping?.rejected === undefined
      ? (pairKeys(keys.values) ?? ["chosen", "rejected"])
      : [mapping.assistant, mapping.rejected];
  const chosen = readCompared(keys, names[0], o.cap);
  if (isBad(chosen)) return chosen;
  const rejected = readCompared(keys, names[1], o.cap);
  if (isBad(rejected)) return rejected;
  const asked = readAsked(keys, mapping, o);
  if (asked !== undefined) return toPair(asked, chosen, rejected, names);
  if (chosen.length > 1 && rejected.length > 1) {
    const shared = sharedStart(chosen, rejected);
    return toPair([...(shared[0]?.role === "system" ? [] : takeSystem(keys)), ...shared], chosen, rejected, names);
  }
  return refuse(say`"prompt" is ${kindOf(undefined)}`, say`give the row a "prompt"`);
}

/** OpenAI's {"input": {"messages"}, "preferred_output": [message], "non_preferred_output": [message]}. */
export function readOpenaiPreference(keys: Keys, cap: number): DatasetRow | Refusal {
  const input = keys.take("input");
  if (!isObject(input))
    return refuse(say`"input" is ${kindOf(input)}`, say`write it as {"messages": [...]} with the question`);
  const asked = keys.inner(input, "input");
  const prompt = toMessages(asked.take("messages"), "input.messages", asked, cap);
  return toPair(
    isBad(prompt) ? prompt : prompt.map(unweighed),
    readCompared(keys, "preferred_output", cap),
    readCompared(keys, "non_preferred_output", cap),
    ["preferred_output", "non_preferred_output"],
  );
}
