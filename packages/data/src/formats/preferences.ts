import { type DatasetRow, type Message, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { type Fields, fullText, isObject, isText, kindOf } from "./fields.ts";
import { openaiKeys, toMessages } from "./messages.ts";

type Read = Message[] | Refusal;
const isBad = (value: Read): value is Refusal => !Array.isArray(value);
const plain = ({ role, content }: Message): Message => ({ role, content });
const same = (a: Message | undefined, b: Message | undefined) => a?.role === b?.role && a?.content === b?.content;

/** A question: a text, or the messages before the answer; nothing of it is trained, so weights say nothing here. */
function readPrompt(value: unknown, field: string, row: Fields, cap: number): Read {
  const system: Message[] =
    typeof row.system === "string" && row.system.trim() !== "" ? [{ role: "system", content: row.system }] : [];
  if (Array.isArray(value)) {
    const read = toMessages(value, field, openaiKeys, cap);
    return isBad(read) ? read : [...(read[0]?.role === "system" ? [] : system), ...read.map(plain)];
  }
  const text = fullText(value, `"${field}"`);
  return isText(text) ? [...system, { role: "user", content: text }] : text;
}

/** An answer: a text, or messages. It is compared as a whole, so no part of it can weigh less than another. */
function readAnswer(value: unknown, field: string, cap: number): Read {
  if (Array.isArray(value)) {
    const read = toMessages(value, field, openaiKeys, cap);
    if (isBad(read)) return read;
    const weighed = read.findIndex(({ weight }) => weight !== undefined && weight !== 1);
    if (weighed >= 0)
      return refuse(
        say`message ${weighed + 1} of "${field}" has a weight; an answer that is compared counts as a whole`,
        say`leave weight out`,
      );
    return read.map(plain);
  }
  const text = fullText(value, `"${field}"`);
  return isText(text) ? [{ role: "assistant", content: text }] : text;
}

/** Some sets repeat the question in front of each answer: taken off where it is the same. */
const withoutPrompt = (answer: Message[], prompt: readonly Message[]): Message[] => {
  const asked = answer[0]?.role === "system" ? prompt : prompt.filter(({ role }) => role !== "system");
  return asked.length < answer.length && asked.every((message, i) => same(message, answer[i]))
    ? answer.slice(asked.length)
    : answer;
};

function checkedPrompt(prompt: Message[]): Read {
  if (prompt.some(({ role }) => role !== "system")) return prompt;
  return refuse(say`the row has no question`, say`give the row a "prompt"`);
}

function checkedAnswer(answer: Message[], field: string): Read {
  if (answer.some(({ role }) => role === "assistant")) return answer;
  return refuse(
    say`"${field}" holds no message of the assistant`,
    say`give it the answer as a text, or with role assistant`,
  );
}

function toPair(prompt: Read, chosen: Read, rejected: Read, names: readonly [string, string]): DatasetRow | Refusal {
  for (const part of [prompt, chosen, rejected]) if (isBad(part)) return part;
  const asked = checkedPrompt(prompt as Message[]);
  if (isBad(asked)) return asked;
  const [better, worse] = [chosen, rejected].map((answer, i) =>
    checkedAnswer(withoutPrompt(answer as Message[], asked), names[i] ?? ""),
  ) as [Read, Read];
  if (isBad(better)) return better;
  if (isBad(worse)) return worse;
  if (better.length === worse.length && better.every((message, i) => same(message, worse[i])))
    return refuse(
      say`"${names[0]}" and "${names[1]}" are the same answer`,
      say`give two that differ, or leave the row out`,
    );
  return { prompt: asked, chosen: better, rejected: worse };
}

/** Where only two whole conversations are given, the question is what both begin with. */
function sharedStart(chosen: Message[], rejected: Message[]): Message[] {
  let count = 0;
  while (count < Math.min(chosen.length, rejected.length) - 1 && same(chosen[count], rejected[count])) count++;
  return chosen.slice(0, count);
}

/** {"prompt" or "messages", "chosen", "rejected"}: texts or lists of messages; without a question, two whole conversations. */
export function readPreference(row: Fields, cap: number): DatasetRow | Refusal {
  const chosen = readAnswer(row.chosen, "chosen", cap);
  if (isBad(chosen)) return chosen;
  const rejected = readAnswer(row.rejected, "rejected", cap);
  if (isBad(rejected)) return rejected;
  const field = row.prompt === undefined && row.messages !== undefined ? "messages" : "prompt";
  const asked =
    row[field] === undefined && Array.isArray(row.chosen) && Array.isArray(row.rejected)
      ? sharedStart(chosen, rejected)
      : readPrompt(row[field], field, row, cap);
  return toPair(asked, chosen, rejected, ["chosen", "rejected"]);
}

/** OpenAI's {"input": {"messages"}, "preferred_output": [message], "non_preferred_output": [message]}. */
export function readOpenaiPreference(row: Fields, cap: number): DatasetRow | Refusal {
  if (!isObject(row.input))
    return refuse(say`"input" is ${kindOf(row.input)}`, say`write it as {"messages": [...]} with the question`);
  if (Array.isArray(row.input.tools) && row.input.tools.length > 0)
    return refuse(say`the row declares tools; tool calls cannot be trained yet`, say`remove tools from input`);
  const prompt = toMessages(row.input.messages, "input.messages", openaiKeys, cap);
  return toPair(
    isBad(prompt) ? prompt : prompt.map(plain),
    readAnswer(row.preferred_output, "preferred_output", cap),
    readAnswer(row.non_preferred_output, "non_preferred_output", cap),
    ["preferred_output", "non_preferred_output"],
  );
}

/** {"prompt", "completion", "label"}: an answer that was liked (true) or not (false). */
export function readKto(row: Fields, cap: number): DatasetRow | Refusal {
  const asked = readPrompt(row.prompt, "prompt", row, cap);
  if (isBad(asked)) return asked;
  const prompt = checkedPrompt(asked);
  if (isBad(prompt)) return prompt;
  const answer = readAnswer(row.completion, "completion", cap);
  if (isBad(answer)) return answer;
  const completion = checkedAnswer(withoutPrompt(answer, prompt), "completion");
  if (isBad(completion)) return completion;
  const { label } = row;
  if (label !== true && label !== false && label !== 0 && label !== 1)
    return refuse(
      say`"label" is ${kindOf(label)}`,
      say`use true for an answer that was liked, false for one that was not`,
    );
  return { prompt, completion, desirable: label === true || label === 1 };
}
