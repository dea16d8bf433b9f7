import { type DatasetRow, type Message, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { type Fields, fullText, isText, kindOf } from "./fields.ts";
import { readMessageLists } from "./messages.ts";

const systemOf = (row: Fields): Message[] =>
  typeof row.system === "string" && row.system.trim() !== "" ? [{ role: "system", content: row.system }] : [];

/** {"instruction", "input"?, "output", "system"?, "history"?: [[question, answer], ...]}. */
export function readAlpaca(row: Fields): DatasetRow | Refusal {
  const instruction = fullText(row.instruction, '"instruction"');
  if (!isText(instruction)) return instruction;
  if (row.input !== undefined && row.input !== null && typeof row.input !== "string")
    return refuse(say`"input" is ${kindOf(row.input)}`, say`give "input" a text, or leave it out`);
  const output = fullText(row.output, '"output"');
  if (!isText(output)) return output;
  const messages = systemOf(row);
  if (row.history !== undefined && row.history !== null) {
    if (!Array.isArray(row.history))
      return refuse(say`"history" is ${kindOf(row.history)}`, say`write it as a list of pairs`);
    for (const [i, turn] of row.history.entries()) {
      const [question, answer] = Array.isArray(turn) ? turn : [];
      if (typeof question !== "string" || typeof answer !== "string")
        return refuse(say`turn ${i + 1} of "history" is no pair of texts`, say`write it as [question, answer]`);
      messages.push({ role: "user", content: question }, { role: "assistant", content: answer });
    }
  }
  const question = row.input?.trim() ? `${instruction}\n\n${row.input}` : instruction;
  messages.push({ role: "user", content: question }, { role: "assistant", content: output });
  return { messages };
}

// The names under which question and answer go in the field.
export const answerPairs = [
  ["prompt", "completion"],
  ["prompt", "response"],
  ["question", "answer"],
  ["query", "response"],
  ["input", "output"],
] as const;

export function readPromptCompletion(row: Fields, cap: number): DatasetRow | Refusal {
  const pair = answerPairs.find(([q, a]) => row[q] !== undefined && row[a] !== undefined);
  if (!pair)
    return refuse(
      say`the row has no "prompt" and "completion"`,
      say`name its two texts ${answerPairs.map((p) => p.join("/")).join(", ")}`,
    );
  const [questionKey, answerKey] = pair;
  if (Array.isArray(row[questionKey]) && Array.isArray(row[answerKey]))
    return readMessageLists(row[questionKey], row[answerKey], cap);
  const question = fullText(row[questionKey], `"${questionKey}"`);
  if (!isText(question)) return question;
  const answer = fullText(row[answerKey], `"${answerKey}"`);
  if (!isText(answer)) return answer;
  return {
    messages: [...systemOf(row), { role: "user", content: question }, { role: "assistant", content: answer }],
  };
}
