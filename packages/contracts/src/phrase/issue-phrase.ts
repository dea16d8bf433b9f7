import { z } from "zod";
import { Phrase, say } from "./phrase.ts";

const Ruled = z.object({ params: z.object({ phrase: Phrase }) });

// zod's own sentences (its English locale), taken apart where they hold values.
const ofZod: [RegExp, (first: string, second: string, third: string) => Phrase][] = [
  [/^Invalid input: expected (.+), received (.+)$/, (a, b) => say`Invalid input: expected ${a}, received ${b}`],
  [/^Invalid input: expected (.+)$/, (a) => say`Invalid input: expected ${a}`],
  [/^Invalid option: expected one of (.+)$/, (a) => say`Invalid option: expected one of ${a}`],
  [/^Too big: expected (\S+) to have (\S+) (\w+)$/, (a, b, c) => say`Too big: expected ${a} to have ${b} ${c}`],
  [/^Too big: expected (\S+) to be (\S+)$/, (a, b) => say`Too big: expected ${a} to be ${b}`],
  [/^Too small: expected (\S+) to have (\S+) (\w+)$/, (a, b, c) => say`Too small: expected ${a} to have ${b} ${c}`],
  [/^Too small: expected (\S+) to be (\S+)$/, (a, b) => say`Too small: expected ${a} to be ${b}`],
  [/^Invalid string: must match pattern (.+)$/, (a) => say`Invalid string: must match pattern ${a}`],
  [/^Unrecognized keys?: (.+)$/, (a) => say`Unrecognized keys: ${a}`],
  [/^unknown field (.+), did you mean (\S+)\?$/s, (a, b) => say`unknown field ${a}, did you mean ${b}?`],
  [/^unknown field (.+); known are (.+)$/s, (a, b) => say`unknown field ${a}; known are ${b}`],
  [/^Invalid discriminator value. Expected (.+)$/, (a) => say`Invalid discriminator value. Expected ${a}`],
  [/^Invalid input$/, () => say`Invalid input`],
  [/^Invalid (UUID|URL)$/, (a) => say`Invalid ${a}`],
];

/** A complaint of zod, or of a rule of ours, as a phrase. Rules without values give their sentence as a plain string. */
export function issuePhrase(issue: { message: string }): Phrase {
  const ruled = Ruled.safeParse(issue);
  if (ruled.success) return ruled.data.params.phrase;
  for (const [form, phrase] of ofZod) {
    const found = form.exec(issue.message);
    if (found) return phrase(found[1] ?? "", found[2] ?? "", found[3] ?? "");
  }
  return { pattern: issue.message, values: [] };
}

type Issue = Pick<z.core.$ZodIssue, "code" | "message" | "path"> & { keys?: readonly string[] };

/** A complaint of zod as a problem: the field's whole path, what is wrong with it, and what to do. */
export function issueProblem(issue: Issue): { field: string | undefined; message: Phrase; remedy: Phrase } {
  const path = issue.path.map(String);
  const [unknown] = (issue.code === "unrecognized_keys" && issue.keys) || [];
  if (unknown !== undefined) {
    const field = [...path, unknown].join(".");
    const { pattern, values } = issuePhrase(issue);
    return {
      field,
      message: { pattern, values: [field, ...values.slice(1)] },
      remedy: say`correct it, or leave it out`,
    };
  }
  const field = path.join(".") || undefined;
  return {
    field,
    message: say`${field ?? say`input`}: ${issuePhrase(issue)}`,
    remedy: field ? say`correct ${field}` : say`correct the input`,
  };
}
