import { type ColumnMapping, type DatasetRow, type Message, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { type Fields, kindOf } from "./fields.ts";
import type { Keys } from "./keys.ts";
import { type MappedOptions, readAnswer } from "./mapped.ts";
import { guessMapping } from "./mapping.ts";
import { asList, turnsKey } from "./messages.ts";
import { findName, markNames } from "./names.ts";
import { checkedAnswer, checkedPrompt, readAsked, readCompared } from "./preferences.ts";
import { repeated } from "./repeated.ts";

const likes = new Set(
  "true yes good like liked up thumbs_up thumbsup accept accepted positive 👍 是 好 喜欢 赞".split(" "),
);
const dislikes = new Set(
  "false no bad dislike disliked down thumbs_down thumbsdown reject rejected negative 👎 否 坏 不好 不喜欢 踩".split(
    " ",
  ),
);

/** Whether a value says that an answer was liked (true) or not (false); null: it is no such mark. */
export function markOf(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  if (value === 1 || value === "1") return true;
  if (value === 0 || value === -1 || value === "0" || value === "-1") return false;
  if (typeof value !== "string") return null;
  const word = value
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  return likes.has(word) ? true : dislikes.has(word) ? false : null;
}

const isTruth = (value: unknown) =>
  typeof value === "boolean" || (typeof value === "string" && /^(true|false)$/i.test(value));

const hasTurns = (row: Fields) => Array.isArray(row.messages) || turnsKey(row) !== undefined;

/** The mapping of a row's question and answer, when one of its columns is the mark. */
function besides(row: Fields, mark: string): ColumnMapping | null {
  const guessed = guessMapping(Object.keys(row).filter((key) => key !== mark && (row[key] ?? null) !== null));
  return guessed?.sure === true ? guessed.mapping : null;
}

/**
 * The column that marks answers as liked or not, as the first rows show it: it goes by a name for such, an answer stands
 * beside it, and it holds true or false, or nothing but such marks. One that holds classes or degrees is none.
 */
export function markColumn(rows: readonly Fields[]): string | undefined {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row).slice(0, 200)))];
  for (const name of markNames) {
    const key = findName([name], keys);
    if (key === undefined) continue;
    const marked = rows.filter((row) => Object.hasOwn(row, key) && (hasTurns(row) || besides(row, key) !== null));
    const values = marked.map((row) => row[key]).filter((value) => value !== null && value !== "");
    if (values.length === 0) continue;
    if (values.some(isTruth) || values.every((value) => markOf(value) !== null)) return key;
  }
  return undefined;
}

/** Whether a column holds nothing but true and false, which are marks of something and no texts to imitate. */
export const holdsTruths = (rows: readonly Fields[], column: string): boolean => {
  const values = rows
    .map((row) => row[column])
    .filter((value) => value !== undefined && value !== null && value !== "");
  return values.length > 0 && values.every(isTruth);
};

const noTurn = (where: string) =>
  refuse(
    say`the last message of "${where}" is no answer of the assistant`,
    say`end the row with the answer that is marked`,
  );

/** An answer that somebody liked or did not: {"prompt", "completion", "label"}, or any answer with a mark beside it. */
export function readKto(
  keys: Keys,
  mapping: ColumnMapping | null,
  o: MappedOptions & { mark: string | undefined },
): DatasetRow | Refusal {
  const markKey = mapping?.mark ?? o.mark ?? findName(markNames, keys.names()) ?? "label";
  const given = keys.take(markKey);
  const parts = readMarked(keys, mapping, o, markKey);
  if ("cause" in parts) return parts;
  const desirable = markOf(given);
  if (desirable === null)
    return refuse(
      say`"${markKey}" is ${kindOf(given)}`,
      say`use true for an answer that was liked, false for one that was not`,
    );
  return { ...parts, desirable };
}

function readMarked(
  keys: Keys,
  mapping: ColumnMapping | null,
  o: MappedOptions,
  mark: string,
): { prompt: Message[]; completion: Message[] } | Refusal {
  const guessed = mapping ?? besides(keys.values, mark);
  if (guessed === null && hasTurns(keys.values)) {
    const read = readAsked(keys, null, o) as Message[] | Refusal;
    if ("cause" in read) return read;
    const answer = read.at(-1);
    const field = Array.isArray(keys.values.messages) ? "messages" : (turnsKey(keys.values) ?? "");
    if (answer?.role !== "assistant") return noTurn(field);
    const prompt = checkedPrompt(read.slice(0, -1));
    return "cause" in prompt ? prompt : { prompt, completion: [answer] };
  }
  const answerKey = guessed?.assistant ?? "completion";
  const asked = readAsked(keys, guessed, o);
  if (asked === undefined) return refuse(say`"prompt" is ${kindOf(undefined)}`, say`give the row a "prompt"`);
  if ("cause" in asked) return asked;
  const prompt = checkedPrompt(asked);
  if ("cause" in prompt) return prompt;
  const isText = guessed !== null && asList(keys.peek(answerKey)) === undefined;
  const answer = isText ? readAnswer(keys, guessed, o) : readCompared(keys, answerKey, o.cap);
  if ("cause" in answer) return answer;
  const checked = checkedAnswer(answer, answerKey);
  if ("cause" in checked) return checked;
  const parts = repeated(prompt, [checked], [answerKey]);
  return "cause" in parts ? parts : { prompt: parts.prompt, completion: parts.answers[0] ?? [] };
}
