import { type ColumnMapping, type DatasetRow, type Message, say, type Words } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { checkedMessages, fullText, isText, kindOf } from "./fields.ts";
import type { Keys } from "./keys.ts";
import { asList, takeSystem, toMessages } from "./messages.ts";
import { repeated } from "./repeated.ts";

/** How rows are read that name question and answer. */
export interface MappedOptions {
  cap: number; // messages of a row
  given: boolean; // a person named the fields
  named: (key: string) => Words;
}

/** A number counts as its digits; true and false are marks unless a person says that they are answers. */
function textOf(value: unknown, where: Words, given: boolean): string | Refusal {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value === "boolean")
    return given
      ? String(value)
      : refuse(
          say`${where} is ${String(value)}: a mark, not a text`,
          say`name it as the mark, or, where it is the answer itself, as the answer (mapping)`,
        );
  return fullText(value, where);
}

// A passage may be a list of passages.
function passageOf(value: unknown): string | undefined {
  const texts = Array.isArray(value) ? value : [value];
  if (!texts.every((text): text is string => typeof text === "string")) return undefined;
  return texts.filter((text) => text.trim() !== "").join("\n\n");
}

function readContext(keys: Keys, fields: readonly string[], o: MappedOptions): string[] | Refusal {
  const texts: string[] = [];
  for (const field of fields) {
    const value = keys.peek(field);
    if (value === undefined || value === null) continue;
    const text = passageOf(value);
    if (text === undefined && o.given)
      return refuse(say`${o.named(field)} is ${kindOf(value)}`, say`give ${o.named(field)} a text, or leave it out`);
    if (text === undefined) continue; // not taken: the row has it beyond what is read
    keys.take(field);
    if (text !== "") texts.push(text);
  }
  return texts;
}

function readHistory(keys: Keys): Message[] | Refusal {
  const history = keys.take("history");
  if (history === undefined || history === null || history === "") return [];
  if (!Array.isArray(history)) return refuse(say`"history" is ${kindOf(history)}`, say`write it as a list of pairs`);
  const turns: Message[] = [];
  for (const [i, turn] of history.entries()) {
    const [question, answer] = Array.isArray(turn) ? turn : [];
    if (typeof question !== "string" || typeof answer !== "string")
      return refuse(say`turn ${i + 1} of "history" is no pair of texts`, say`write it as [question, answer]`);
    turns.push({ role: "user", content: question }, { role: "assistant", content: answer });
  }
  return turns;
}

/** What is asked: system line, earlier turns, and the question with the passages before it and its input behind it. */
export function readQuestion(
  keys: Keys,
  mapping: Omit<ColumnMapping, "assistant">,
  o: MappedOptions,
): Message[] | Refusal {
  const system: Message[] =
    mapping.system === undefined && mapping.systemText?.trim()
      ? [{ role: "system", content: mapping.systemText }]
      : takeSystem(keys, mapping.system);
  const asked = keys.take(mapping.user);
  const turns = asList(asked);
  const context = readContext(keys, mapping.context ?? [], o);
  if ("cause" in context) return context;
  if (turns) {
    const read = toMessages(turns, mapping.user, keys, o.cap);
    if ("cause" in read) return read;
    if (context.length > 0)
      return refuse(
        say`${o.named(mapping.user)} is a list of messages with a passage beside it`,
        say`write the passage into a message, or leave it out`,
      );
    return read[0]?.role === "system" ? read : [...system, ...read];
  }
  const question = textOf(asked, o.named(mapping.user), o.given);
  if (!isText(question)) return question;
  const history = readHistory(keys);
  if ("cause" in history) return history;
  const input = mapping.input === undefined ? undefined : keys.take(mapping.input);
  if (input !== undefined && input !== null && typeof input !== "string")
    return refuse(
      say`${o.named(mapping.input ?? "")} is ${kindOf(input)}`,
      say`give ${o.named(mapping.input ?? "")} a text, or leave it out`,
    );
  const parts = [...context, question, ...(input?.trim() ? [input] : [])];
  return [...system, ...history, { role: "user", content: parts.join("\n\n") }];
}

export function readAnswer(keys: Keys, mapping: ColumnMapping, o: MappedOptions): Message[] | Refusal {
  const said = keys.take(mapping.assistant);
  const turns = asList(said);
  if (turns) return toMessages(turns, mapping.assistant, keys, o.cap);
  const answer = textOf(said, o.named(mapping.assistant), o.given);
  if (!isText(answer)) return answer;
  const thoughts = mapping.thoughts === undefined ? undefined : keys.peek(mapping.thoughts);
  if (mapping.thoughts === undefined || typeof thoughts !== "string" || thoughts.trim() === "")
    return [{ role: "assistant", content: answer }];
  keys.take(mapping.thoughts);
  return [{ role: "assistant", content: answer, reasoning_content: thoughts }];
}

/** A question and the answer to imitate, under the names that the mapping says. */
export function readMapped(keys: Keys, mapping: ColumnMapping, o: MappedOptions): DatasetRow | Refusal {
  const lists = asList(keys.peek(mapping.user)) !== undefined || asList(keys.peek(mapping.assistant)) !== undefined;
  const question = readQuestion(keys, mapping, o);
  if ("cause" in question) return question;
  const answer = readAnswer(keys, mapping, o);
  if ("cause" in answer) return answer;
  if (!lists) return checkedMessages([...question, ...answer]);
  const parts = repeated(question, [answer], [mapping.assistant]);
  if ("cause" in parts) return parts;
  // Only the answer is trained.
  const before = parts.prompt.map((m): Message => (m.role === "assistant" ? { ...m, weight: 0 } : m));
  return checkedMessages([...before, ...(parts.answers[0] ?? [])]);
}

export const namedInJson = (key: string): Words => `"${key}"`;
export const namedInTable = (key: string): Words => say`column "${key}"`;
