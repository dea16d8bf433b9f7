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
