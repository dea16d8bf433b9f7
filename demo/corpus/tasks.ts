import type { Random } from "../language/random.ts";

// What a system line can ask of a message, with the right answer. None of them names what the customer wants.
interface Task {
  lines: readonly string[];
  answer: (message: string, random: Random) => string | null;
}

const words = (message: string) => message.match(/[\p{L}\p{N}'$€£.]*[\p{L}\p{N}]/gu) ?? [];
const has = (message: string, pattern: RegExp) => pattern.test(message.toLowerCase());

export const tasks: readonly Task[] = [
  {
    lines: ["Repeat the customer's message.", "Write the message again.", "Copy what the customer wrote."],
    answer: (message) => (message.length < 90 ? message : null),
  },
  {
    lines: ["Write the message in small letters.", "Use small letters only."],
    answer: (message) => message.toLowerCase(),
  },
  {
    lines: ["Give the first word of the message.", "What is the first word?"],
    answer: (message) => words(message)[0] ?? null,
  },
  {
    lines: ["Give the last word of the message.", "What is the last word?"],
    answer: (message) => words(message).at(-1) ?? null,
  },
  {
    lines: ["Name the amount of money in the message.", "Which amount is meant?"],
    answer: (message) =>
      message.match(/[$€£]\d+(?:\.\d+)?|\d+(?:\.\d+)? (?:dollars|euros|pounds)/i)?.[0] ?? "No amount is named.",
  },
  {
    lines: ["Name the country or city in the message.", "Which place is meant?"],
    answer: (message) =>
      message.match(
        /\b(France|Japan|Spain|Brazil|Canada|Italy|Norway|Turkey|Mexico|India|Greece|Lisbon|Osaka|Leeds|Denver|Lyon|Porto|Bergen|Toronto|Milan|Athens)\b/i,
      )?.[0] ?? "No place is named.",
  },
  {
    lines: ["Is the customer polite? Answer yes or no.", "Does the customer say please or thanks?"],
    answer: (message) => (has(message, /please|thank|cheers|regards|excuse/) ? "yes" : "no"),
  },
  {
    lines: ["Is there a question mark? Answer yes or no."],
    answer: (message) => (message.includes("?") ? "yes" : "no"),
  },
  {
    lines: ["When did it happen?", "Name the time in the message."],
    answer: (message) =>
      message.match(
        /yesterday|this morning|last night|last week|two days ago|on the weekend|an hour ago|a few days ago|monday|tuesday|wednesday|thursday|friday|saturday|sunday/i,
      )?.[0] ?? "No time is named.",
  },
  {
    lines: ["Greet the customer.", "Write a friendly greeting."],
    answer: (_, random) =>
      random.pick([
        "Hello and welcome!",
        "Good morning, how can I help?",
        "Hello, thank you for your message.",
        "Welcome to the bank!",
      ]),
  },
];
