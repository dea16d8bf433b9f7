import { type DatasetRow, type Message, say, type Words } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { checkedMessages, type Fields, isObject, isText, kindOf, toContent, toRole, toWeight } from "./fields.ts";

interface Keys {
  role: readonly string[];
  content: readonly string[];
}

const pick = (object: Fields, names: readonly string[]): unknown => {
  for (const name of names) if (Object.hasOwn(object, name)) return object[name];
  return undefined;
};

export function toMessage(value: unknown, where: Words, keys: Keys): Message | Refusal {
  if (!isObject(value))
    return refuse(say`${where} is ${kindOf(value)}`, say`write it as an object with role and content`);
  const role = toRole(pick(value, keys.role), say`the ${keys.role[0]} of ${where}`);
  if (typeof role !== "string") return role;
  if (value.tool_calls || value.function_call)
    return refuse(say`${where} calls a tool; tool calls cannot be trained yet`, say`write the call as text in content`);
  const content = toContent(pick(value, keys.content), role, say`the ${keys.content[0]} of ${where}`);
  if (!isText(content)) return content;
  const weight = toWeight(value.weight, say`the weight of ${where}`);
  if (typeof weight === "object") return weight;
  const thoughts = role === "assistant" ? thoughtsOf(value) : undefined;
  return {
    role,
    content,
    ...(weight === undefined ? {} : { weight }),
    ...(thoughts === undefined ? {} : { reasoning_content: thoughts }),
  };
}

// Where the APIs of reasoning models, and the sets made from them, keep the thoughts of an answer.
const thoughtNames = ["reasoning_content", "thinking", "reasoning", "thought", "thoughts"];

function thoughtsOf(message: Fields): string | undefined {
  const name = thoughtNames.find((key) => typeof message[key] === "string" && (message[key] as string).trim() !== "");
  return name === undefined ? undefined : (message[name] as string);
}

export function toMessages(value: unknown, field: string, keys: Keys, cap: number): Message[] | Refusal {
  if (!Array.isArray(value) || value.length === 0)
    return refuse(
      Array.isArray(value) ? say`"${field}" is an empty list` : say`"${field}" is ${kindOf(value)}`,
      say`give the row a list "${field}"`,
    );
  if (value.length > cap)
    return refuse(say`the row has ${value.length} messages; ${cap} are the most`, say`split the conversation`);
  const messages: Message[] = [];
  for (const [i, item] of value.entries()) {
    const message = toMessage(item, say`message ${i + 1}`, keys);
    if ("cause" in message) return message;
    messages.push(message);
  }
  return messages;
}

export const openaiKeys = { role: ["role"], content: ["content"] };
const sharegptKeys = { role: ["from", "role"], content: ["value", "content"] };

const noTools = (row: Fields): Refusal | null =>
  Array.isArray(row.tools) && row.tools.length > 0
    ? refuse(
        say`the row declares tools; tool calls cannot be trained yet`,
        say`remove tools, or describe them in the system line`,
      )
    : null;

/** OpenAI's {"messages": [...]}; also our own canonical {"text": ...}. */
export function readOpenaiMessages(row: Fields, cap: number): DatasetRow | Refusal {
  if (row.messages === undefined && typeof row.text === "string")
    return row.text.trim() === "" ? refuse(say`"text" is empty`, say`leave the row out`) : { text: row.text };
  const refusal = noTools(row);
  if (refusal) return refusal;
  const messages = toMessages(row.messages, "messages", openaiKeys, cap);
  return "cause" in messages ? messages : checkedMessages(messages);
}

/** {"conversations": [{"from": "human", "value": ...}, ...]}, an optional "system" beside it. */
export function readSharegpt(row: Fields, cap: number): DatasetRow | Refusal {
  const refusal = noTools(row);
  if (refusal) return refusal;
  const field = row.conversations === undefined && row.conversation !== undefined ? "conversation" : "conversations";
  const messages = toMessages(row[field], field, sharegptKeys, cap);
  if ("cause" in messages) return messages;
  if (typeof row.system === "string" && row.system.trim() !== "" && messages[0]?.role !== "system")
    messages.unshift({ role: "system", content: row.system });
  return checkedMessages(messages);
}

/** Both sides of prompt and completion may also be lists of messages. */
export function readMessageLists(prompt: unknown, completion: unknown, cap: number): DatasetRow | Refusal {
  const before = toMessages(prompt, "prompt", openaiKeys, cap);
  if ("cause" in before) return before;
  const after = toMessages(completion, "completion", openaiKeys, cap);
  if ("cause" in after) return after;
  // Only the completion is trained.
  return checkedMessages([...before.map((m): Message => (m.role === "assistant" ? { ...m, weight: 0 } : m)), ...after]);
}
