import { fill } from "../language/grammar.ts";
import { intents } from "../language/intents/index.ts";
import { message } from "../language/manner.ts";
import type { Random } from "../language/random.ts";
import { tasks } from "./tasks.ts";

export interface Turn {
  role: "system" | "user" | "assistant";
  content: string;
}

const helpful = [
  "You are a helpful clerk of a bank.",
  "Answer the customer's question.",
  "Help the customer.",
  "You work for a bank. Be short and kind.",
  "Reply to the customer in one or two sentences.",
];

function question(random: Random) {
  const intent = random.pick(intents);
  return { intent, text: message(fill(random.pick(intent.train), random), random) };
}

/** A customer asks, a clerk helps; sometimes twice in a row. */
export function helpChat(random: Random): Turn[] {
  const turns: Turn[] = [];
  if (random.chance(0.8)) turns.push({ role: "system", content: random.pick(helpful) });
  for (let i = random.chance(0.2) ? 2 : 1; i > 0; i--) {
    const { intent, text } = question(random);
    turns.push(
      { role: "user", content: text },
      { role: "assistant", content: fill(random.pick(intent.answers), random) },
    );
  }
  return turns;
}

/** A small exercise on a message, as the system line asks. */
export function taskChat(random: Random): Turn[] {
  for (;;) {
    const { text } = question(random);
    const task = random.pick(tasks);
    const answer = task.answer(text, random);
    if (answer === null) continue;
    return [
      { role: "system", content: random.pick(task.lines) },
      { role: "user", content: text },
      { role: "assistant", content: answer },
    ];
  }
}

/** Two messages with the same wish, or not. Teaches what belongs together without naming it. */
export function sameWishChat(random: Random): Turn[] {
  const first = question(random);
  const same = random.chance(0.5);
  let second = question(random);
  if (same) second = { intent: first.intent, text: message(fill(random.pick(first.intent.train), random), random) };
  return [
    { role: "system", content: "Do both messages want the same? Answer yes or no." },
    { role: "user", content: `${first.text}\n${second.text}` },
    { role: "assistant", content: first.intent === second.intent ? "yes" : "no" },
  ];
}

/** The same wish in other words. */
export function rewordChat(random: Random): Turn[] {
  const { intent, text } = question(random);
  return [
    {
      role: "system",
      content: random.pick(["Say it in other words.", "Reword the message.", "What else could the customer write?"]),
    },
    { role: "user", content: text },
    { role: "assistant", content: fill(random.pick(intent.train), random) },
  ];
}
