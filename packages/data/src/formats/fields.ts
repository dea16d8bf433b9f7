import type { Message, Role } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";

export type Fields = Record<string, unknown>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What was found instead, in words for a person. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return value.trim() === "" ? "empty" : "a text";
  return typeof value === "object" ? "an object" : `${JSON.stringify(value)}`;
}

export function fullText(value: unknown, where: string): string | Refusal {
  if (typeof value === "string" && value.trim() !== "") return value;
  return refuse(`${where} is ${kindOf(value)}`, `give ${where} a text, or leave the row out`);
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

export function toRole(value: unknown, where: string): Role | Refusal {
  if (typeof value !== "string") return refuse(`${where} is ${kindOf(value)}`, "use system, user, assistant or tool");
  // Own keys only: "constructor" is no role.
  if (Object.hasOwn(roleNames, value)) return roleNames[value] as Role;
  if (calls.has(value))
    return refuse(
      `${where} is "${value}"; tool calls cannot be trained yet`,
      "write the call as text of the assistant",
    );
  return refuse(`${where} is "${value.slice(0, 40)}"`, "use system, user, assistant or tool");
}

export function toWeight(value: unknown, where: string): number | undefined | Refusal {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return refuse(
    `${where} is ${kindOf(value)}`,
    "use 0 (not trained), 1 (trained) or a fraction between, or leave it out",
  );
}

/** The row's own "source", where it has one; anything that is no short text is none. */
export const sourceOf = (row: Fields): { source?: string } =>
  typeof row.source === "string" && row.source.trim() !== "" && row.source.length <= 200
    ? { source: row.source.trim() }
    : {};

/** Text, or OpenAI's list of parts of which every one is text. */
export function toContent(value: unknown, role: Role, where: string): string | Refusal {
  let text = value;
  if (Array.isArray(value)) {
    const parts: string[] = [];
    for (const part of value) {
      if (!isObject(part) || typeof part.text !== "string" || (part.type !== undefined && part.type !== "text"))
        return refuse(
          `${where} holds a part that is ${isObject(part) ? `of type ${kindOf(part.type)}` : kindOf(part)}`,
          "keep only parts of type text: images and sounds cannot be trained",
        );
      parts.push(part.text);
    }
    text = parts.join("");
  }
  // A tool may answer with nothing, a system line may be blank; a question or an answer may not.
  if (typeof text === "string" && (role === "tool" || role === "system")) return text;
  return fullText(text, where);
}

export const checkedMessages = (messages: Message[]): { messages: Message[] } | Refusal => {
  if (messages.some(({ role }) => role !== "system")) return { messages };
  return refuse("the row holds only system lines", "add a question and an answer, or leave the row out");
};
