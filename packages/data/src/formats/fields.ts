import { type Message, type Role, say, type Words } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import type { Keys } from "./keys.ts";

export type Fields = Record<string, unknown>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What was found instead, in words for a person. */
export function kindOf(value: unknown): Words {
  if (value === undefined) return say`missing`;
  if (value === null) return "null";
  if (Array.isArray(value)) return say`a list`;
  if (typeof value === "string") return value.trim() === "" ? say`empty` : say`a text`;
  return typeof value === "object" ? say`an object` : `${JSON.stringify(value)}`;
}

export function fullText(value: unknown, where: Words): string | Refusal {
  if (typeof value === "string" && value.trim() !== "") return value;
  return refuse(say`${where} is ${kindOf(value)}`, say`give ${where} a text, or leave the row out`);
}

export const isText = (value: string | Refusal): value is string => typeof value === "string";

const roleNames: Record<string, Role> = {
  system: "system",
  developer: "system",
  user: "user",
  human: "user",
  assistant: "assistant",
  gpt: "assistant",
  chatgpt: "assistant",
  bard: "assistant",
  bing: "assistant",
  model: "assistant",
  bot: "assistant",
  tool: "tool",
  function: "tool",
  function_response: "tool",
  observation: "tool",
};
const calls = new Set(["function_call", "tool_call"]);
/** Roles as OpenAI's messages and ShareGPT's turns name them; the other names are said when they are read. */
export const usualRoles = new Set(["system", "developer", "user", "human", "assistant", "gpt", "tool", "function"]);

export function toRole(value: unknown, where: Words): Role | Refusal {
  if (typeof value !== "string")
    return refuse(say`${where} is ${kindOf(value)}`, say`use system, user, assistant or tool`);
  // Own keys only: "constructor" is no role.
  if (Object.hasOwn(roleNames, value)) return roleNames[value] as Role;
  if (calls.has(value))
    return refuse(
      say`${where} is "${value}"; tool calls cannot be trained yet`,
      say`write the call as text of the assistant`,
    );
  return refuse(say`${where} is "${value.slice(0, 40)}"`, say`use system, user, assistant or tool`);
}

export function toWeight(value: unknown, where: Words): number | undefined | Refusal {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return refuse(
    say`${where} is ${kindOf(value)}`,
    say`use 0 (not trained), 1 (trained) or a fraction between, or leave it out`,
  );
}

/** The row's own "source", where it has one; anything that is no short text is none. */
export function sourceOf(keys: Keys): { source?: string } {
  const source = keys.peek("source");
  if (typeof source !== "string" || source.trim() === "" || source.length > 200 || !keys.names().includes("source"))
    return {};
  keys.take("source");
  return { source: source.trim() };
}

interface Content {
  text: string;
  thoughts?: string; // of parts of type thinking or reasoning
}

const thoughtOf = (part: Fields): string | null => {
  const value =
    part.type === "thinking" ? part.thinking : part.type === "reasoning" ? (part.reasoning ?? part.text) : 0;
  return typeof value === "string" ? value : null;
};

/** Text, or OpenAI's list of parts of which every one is text (an assistant's may be thoughts as well). */
export function toContent(value: unknown, role: Role, where: Words): Content | Refusal {
  let text = value;
  const thoughts: string[] = [];
  if (Array.isArray(value)) {
    const parts: string[] = [];
    for (const part of value) {
      const thought = isObject(part) && role === "assistant" ? thoughtOf(part) : null;
      if (thought !== null) {
        thoughts.push(thought);
        continue;
      }
      if (!isObject(part) || typeof part.text !== "string" || (part.type !== undefined && part.type !== "text"))
        return refuse(
          isObject(part)
            ? say`${where} holds a part that is of type ${kindOf(part.type)}`
            : say`${where} holds a part that is ${kindOf(part)}`,
          say`keep only parts of type text: images and sounds cannot be trained`,
        );
      parts.push(part.text);
    }
    text = parts.join("");
  }
  const whole = (content: string): Content => {
    const joined = thoughts.join("\n\n");
    return joined.trim() === "" ? { text: content } : { text: content, thoughts: joined };
  };
  // A tool may answer with nothing, a system line may be blank; a question or an answer may not.
  if (typeof text === "string" && (role === "tool" || role === "system")) return whole(text);
  const full = fullText(text, where);
  return isText(full) ? whole(full) : full;
}

const noAnswer = () =>
  refuse(say`the row has no answer of the assistant`, say`give it a message with role assistant, or leave the row out`);

/** A conversation teaches by its answers: one at least, and one of them trained. */
export const checkedMessages = (messages: Message[]): { messages: Message[] } | Refusal => {
  if (messages.every(({ role }) => role === "system"))
    return refuse(say`the row holds only system lines`, say`add a question and an answer, or leave the row out`);
  const answers = messages.filter(({ role }) => role === "assistant");
  if (answers.length === 0) return noAnswer();
  if (answers.every(({ weight }) => weight === 0))
    return refuse(
      say`no answer of the row is trained: every weight is 0`,
      say`give one a weight above 0, or leave the row out`,
    );
  return { messages };
};
