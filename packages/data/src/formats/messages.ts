import { type DatasetRow, type Message, say, type Words } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { checkedMessages, type Fields, isObject, kindOf, toContent, toRole, toWeight, usualRoles } from "./fields.ts";
import type { Keys } from "./keys.ts";
import { findName, systemNames, thoughtNames, turnNames } from "./names.ts";

const roleKeys = ["role", "from"]; // OpenAI's, ShareGPT's

const pick = (keys: Keys, names: readonly string[]): [name: string, value: unknown] => {
  const name = names.find((key) => keys.peek(key) !== undefined) ?? (names[0] as string);
  return [name, keys.take(name)];
};

function toMessage(value: unknown, where: Words, row: Keys, path: string): Message | Refusal {
  if (!isObject(value))
    return refuse(say`${where} is ${kindOf(value)}`, say`write it as an object with role and content`);
  const keys = row.inner(value, path);
  const [roleKey, given] = pick(keys, roleKeys);
  const role = toRole(given, say`the ${roleKey} of ${where}`);
  if (typeof role !== "string") return role;
  if (!usualRoles.has(given as string)) keys.note(say`the role "${given as string}" is read as ${role}`);
  if (keys.take("tool_calls") || keys.take("function_call"))
    return refuse(say`${where} calls a tool; tool calls cannot be trained yet`, say`write the call as text in content`);
  const [contentKey, said] = pick(keys, roleKey === "from" ? ["value", "content"] : ["content", "value"]);
  const content = toContent(said, role, say`the ${contentKey} of ${where}`);
  if ("cause" in content) return content;
  const weight = toWeight(keys.take("weight"), say`the weight of ${where}`);
  if (typeof weight === "object") return weight;
  if (role === "tool") keys.take("name"); // which tool answered: the call before it says so
  const thoughts = role === "assistant" ? (content.thoughts ?? takeThoughts(keys)) : undefined;
  return {
    role,
    content: content.text,
    ...(weight === undefined ? {} : { weight }),
    ...(thoughts === undefined ? {} : { reasoning_content: thoughts }),
  };
}

function takeThoughts(keys: Keys): string | undefined {
  const isFull = (key: string) => typeof keys.peek(key) === "string" && (keys.peek(key) as string).trim() !== "";
  const name = findName(thoughtNames, keys.names().filter(isFull));
  return name === undefined ? undefined : (keys.take(name) as string);
}

/** A list of messages that was taken from `row` under `field`. */
export function toMessages(value: unknown, field: string, row: Keys, cap: number): Message[] | Refusal {
  if (!Array.isArray(value) || value.length === 0)
    return refuse(
      Array.isArray(value) ? say`"${field}" is an empty list` : say`"${field}" is ${kindOf(value)}`,
      say`give the row a list "${field}"`,
    );
  if (value.length > cap)
    return refuse(
      say`the row has ${value.length} [message|messages]; ${cap} are the most`,
      say`split the conversation`,
    );
  const messages: Message[] = [];
  for (const [i, item] of value.entries()) {
    const message = toMessage(item, say`message ${i + 1}`, row, `${field}[]`);
    if ("cause" in message) return message;
    messages.push(message);
  }
  return messages;
}

/** The system line that stands beside a question or a conversation. */
export function takeSystem(keys: Keys, key = findName(systemNames, keys.names())): Message[] {
  const value = key === undefined ? undefined : keys.peek(key);
  if (key === undefined || typeof value !== "string" || value.trim() === "") return [];
  keys.take(key);
  return [{ role: "system", content: value }];
}

/** With the row's system line in front, where the conversation has none of its own. */
const withSystem = (keys: Keys, messages: Message[]): Message[] =>
  messages[0]?.role === "system" ? messages : [...takeSystem(keys), ...messages];

function readConversation(keys: Keys, field: string, cap: number): Message[] | Refusal {
  const messages = toMessages(keys.take(field), field, keys, cap);
  return "cause" in messages ? messages : withSystem(keys, messages);
}

/** Where a row keeps a conversation: the key of a list of messages or turns. */
export const turnsKey = (row: Fields): string | undefined => turnNames.find((key) => Array.isArray(row[key]));

/** OpenAI's {"messages": [...]}; also our own canonical {"text": ...}. */
export function readOpenaiMessages(keys: Keys, cap: number): DatasetRow | Refusal {
  if (keys.peek("messages") === undefined && typeof keys.peek("text") === "string") {
    const text = keys.take("text") as string;
    return text.trim() === "" ? refuse(say`"text" is empty`, say`leave the row out`) : { text };
  }
  const messages = readConversation(keys, "messages", cap);
  return "cause" in messages ? messages : checkedMessages(messages);
}

/** {"conversations": [{"from": "human", "value": ...}, ...]}, an optional "system" beside it. */
export function readSharegpt(keys: Keys, cap: number): DatasetRow | Refusal {
  const messages = readConversation(keys, turnsKey(keys.values) ?? "conversations", cap);
  return "cause" in messages ? messages : checkedMessages(messages);
}

/** One message, or a list of them, or neither (undefined). */
export const asList = (value: unknown): unknown[] | undefined =>
  Array.isArray(value)
    ? value
    : isObject(value) && roleKeys.some((key) => Object.hasOwn(value, key))
      ? [value]
      : undefined;

export const same = (a: Message | undefined, b: Message | undefined): boolean =>
  a?.role === b?.role && a?.content === b?.content;
