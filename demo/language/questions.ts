import { fill } from "./grammar.ts";
import { intents } from "./intents/index.ts";
import { message } from "./manner.ts";
import { Random } from "./random.ts";

export const systemLine = "Name the intent of the customer's message.";

export interface Row {
  question: string;
  label: string;
  template: string;
}

/** `perIntent` different questions of every intent, shuffled. Templates take turns, so that each is used alike. */
export function questions(split: "train" | "test", perIntent: number, seed: number): Row[] {
  const random = new Random(seed);
  const rows: Row[] = [];
  for (const intent of intents) {
    const seen = new Set<string>();
    const templates = intent[split];
    for (let turn = 0; seen.size < perIntent; turn++) {
      if (turn > perIntent * 50)
        throw new RangeError(`${intent.label}: its templates give too few different questions`);
      const template = templates[turn % templates.length] as string;
      const question = message(fill(template, random), random);
      if (seen.has(question)) continue;
      seen.add(question);
      rows.push({ question, label: intent.label, template });
    }
  }
  return random.shuffle(rows);
}
