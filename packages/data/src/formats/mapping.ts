import type { ColumnMapping } from "@anneal/contracts";
import {
  answerNames,
  classNames,
  contextNames,
  findName,
  isIdentifierName,
  normalName,
  questionNames,
  systemNames,
  thoughtNames,
} from "./names.ts";

const questionFields = ["user", "system", "context", "input"] as const;
type QuestionMapping = Omit<ColumnMapping, "assistant" | "rejected" | "mark" | "thoughts">;

/** The columns of a question: the question itself, the system line, the passages before it and the input behind it. */
export function guessQuestion(columns: readonly string[], answer?: string): QuestionMapping | null {
  const rest = columns.filter((column) => column !== answer);
  // A translation's two sides.
  const names = answer !== undefined && normalName(answer) === "target" ? [...questionNames, "source"] : questionNames;
  const user = findName(names, rest);
  if (user === undefined) return null;
  const others = rest.filter((column) => column !== user);
  const system = findName(systemNames, others);
  const input = ["instruction", "指令", "prompt"].includes(normalName(user))
    ? findName(
        answer === undefined || normalName(answer) !== "target" ? ["input", "输入"] : ["input", "source"],
        others,
      )
    : undefined;
  // The order of the names, not of the columns: the same rows in another order of keys are the same rows.
  const context = contextNames.flatMap((name) => findName([name], others) ?? []);
  return {
    user,
    ...(system === undefined ? {} : { system }),
    ...(context.length === 0 ? {} : { context }),
    ...(input === undefined ? {} : { input }),
  };
}

/** What the columns probably are; null where the names say nothing and there are not just two. */
export function guessMapping(columns: readonly string[]): { mapping: ColumnMapping; sure: boolean } | null {
  const assistant = findName([...answerNames, ...classNames], columns);
  const question = guessQuestion(columns, assistant);
  if (question !== null && assistant !== undefined) {
    const thoughts = findName(thoughtNames, columns);
    return {
      mapping: { ...question, assistant, ...(thoughts === undefined ? {} : { thoughts }) },
      sure: true,
    };
  }
  const [first, second] = columns;
  if (columns.length === 2 && first && second && !columns.some((column) => isIdentifierName(normalName(column))))
    return {
      mapping: {
        user: question?.user ?? (assistant === first ? second : first),
        assistant: assistant ?? (question?.user === second ? first : second),
      },
      sure: false,
    };
  return null;
}

/** A field of the mapping whose column is not there; that is an error of the mapping, not of a row. */
export function missingColumn(
  mapping: ColumnMapping,
  columns: readonly string[],
): { field: string; column: string } | null {
  const named: [string, string | undefined][] = [
    ...questionFields
      .filter((field) => field !== "context")
      .map((field): [string, string | undefined] => [field, mapping[field]]),
    ["assistant", mapping.assistant],
    ["thoughts", mapping.thoughts],
    ["mark", mapping.mark],
    ["rejected", mapping.rejected],
    ...(mapping.context ?? []).map((column): [string, string] => ["context", column]),
  ];
  for (const [field, column] of named) if (column !== undefined && !columns.includes(column)) return { field, column };
  return null;
}
