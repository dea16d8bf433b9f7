import { type ColumnMapping, type DatasetRow, type Message, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { fullText, isText } from "./fields.ts";

// Column names of the field, best first.
const questionNames = [
  "user",
  "prompt",
  "question",
  "instruction",
  "text",
  "input",
  "query",
  "utterance",
  "sentence",
  "message",
];
const answerNames = [
  "assistant",
  "completion",
  "answer",
  "response",
  "output",
  "category",
  "label",
  "intent",
  "target",
  "class",
];

export const normalName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");

/** The columns that probably are question and answer; null where the names say nothing and there are not just two. */
export function guessMapping(columns: readonly string[]): { mapping: ColumnMapping; sure: boolean } | null {
  const find = (names: readonly string[], taken?: string) => {
    for (const name of names) {
      const found = columns.find((column) => column !== taken && normalName(column) === name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const assistant = find(answerNames);
  const user = find(questionNames, assistant);
  const system = find(["system", "system_prompt"]);
  if (user !== undefined && assistant !== undefined)
    return { mapping: { user, assistant, ...(system !== undefined ? { system } : {}) }, sure: true };
  const [first, second] = columns;
  if (columns.length === 2 && first && second && first !== second)
    return {
      mapping: {
        user: user ?? (assistant === first ? second : first),
        assistant: assistant ?? (user === second ? first : second),
      },
      sure: false,
    };
  return null;
}

/** Which columns of this file the mapping means; a name that is not there is an error of the mapping, not of a row. */
export function bindMapping(mapping: ColumnMapping, columns: readonly string[]) {
  const indexOf = (field: "user" | "assistant" | "system") => {
    const name = mapping[field];
    return name === undefined ? -1 : columns.indexOf(name);
  };
  const missing = (["user", "assistant", "system"] as const).find(
    (field) => mapping[field] !== undefined && indexOf(field) < 0,
  );
  return {
    user: indexOf("user"),
    assistant: indexOf("assistant"),
    system: indexOf("system"),
    missing: missing ?? null,
  };
}
type Bound = ReturnType<typeof bindMapping>;

export function readTableRow(
  fields: readonly string[],
  columns: readonly string[],
  bound: Bound,
  systemText: string | undefined,
): DatasetRow | Refusal {
  if (fields.length !== columns.length)
    return refuse(
      say`the row has ${fields.length} fields, the heading ${columns.length}`,
      say`put a field that holds the delimiter or a line break in quotes`,
    );
  const cell = (index: number) => fullText(fields[index], say`column "${columns[index]}"`);
  const user = cell(bound.user);
  if (!isText(user)) return user;
  const assistant = cell(bound.assistant);
  if (!isText(assistant)) return assistant;
  const system = bound.system >= 0 ? fields[bound.system] : systemText;
  const messages: Message[] = system?.trim() ? [{ role: "system", content: system }] : [];
  messages.push({ role: "user", content: user }, { role: "assistant", content: assistant });
  return { messages };
}
