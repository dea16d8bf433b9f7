import { fill } from "./grammar.ts";
import type { Random } from "./random.ts";

// How people write, whatever they want: greetings, asides, thanks, haste and slips of the finger.
const openings = [
  "hi[,| there,|]",
  "hello[,| there,| team,]",
  "good [morning|afternoon|evening],",
  "hey,",
  "[excuse me|sorry to bother you],",
  "dear [bank|team|support],",
  "[quick question:|I have a question.|I need some help.|can you help me?|please help!]",
];
const asides = [
  "I have been [a customer|with you] for [years|ten years|a long time].",
  "I am [writing from my phone|at work right now|travelling at the moment].",
  "I [could not find|did not find] [this|the answer] [in the app|on your website|in the help pages].",
  "[your chat was busy|the phone line was busy], so I am writing here.",
  "[this is urgent|it is not urgent|I am a bit worried].",
];
const closings = [
  "thanks[!|.| a lot!]",
  "thank you[.|!| very much.| in advance.]",
  "[please help|please help me|can you help?|what can you do?]",
  "[regards|best regards|kind regards|cheers]",
  "[please answer soon|I look forward to your answer|let me know].",
];

const endsSentence = /[.?!]$/;

/** The wish itself with whatever people put around it. */
export function dress(core: string, random: Random): string {
  const parts = [core];
  if (random.chance(0.12)) parts.unshift(fill(random.pick(asides), random));
  else if (random.chance(0.08)) parts.push(fill(random.pick(asides), random));
  if (random.chance(0.35)) parts.unshift(fill(random.pick(openings), random));
  if (random.chance(0.3)) parts.push(fill(random.pick(closings), random));
  return parts
    .map((part, i) => (i < parts.length - 1 && part === core && !endsSentence.test(part) ? `${part}.` : part))
    .join(" ");
}

/** Capitals and a stop as in print, or none at all, as on a phone. */
export function punctuate(text: string, random: Random): string {
  if (random.chance(0.3)) {
    const plain = text.toLowerCase();
    return random.chance(0.6) ? plain.replace(/[.,!?']/g, (mark, at: number) => keepsDecimal(plain, at, mark)) : plain;
  }
  return text.replace(/(^|[.?!] )(\p{Ll})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());
}

const keepsDecimal = (text: string, at: number, mark: string) =>
  mark === "." && /\d/.test(text[at + 1] ?? "") ? mark : "";

/** Up to two slips of the finger: a letter lost, doubled, or swapped with the next, inside words of five letters or more. */
export function mistype(text: string, random: Random): string {
  let out = text;
  for (let slips = random.chance(0.25) ? 2 : 1; slips > 0; slips--) {
    const words = [...out.matchAll(/[a-z]{5,}/g)];
    if (words.length === 0) return out;
    const word = random.pick(words);
    const at = word.index + 1 + random.below(word[0].length - 2);
    const kind = random.below(3);
    if (kind === 0) out = out.slice(0, at) + out.slice(at + 1);
    else if (kind === 1) out = out.slice(0, at) + out[at] + out.slice(at);
    else out = out.slice(0, at) + out[at + 1] + out[at] + out.slice(at + 2);
  }
  return out;
}

/** A whole message around a wish. */
export function message(core: string, random: Random): string {
  const text = punctuate(dress(core, random), random);
  return random.chance(0.12) ? mistype(text, random) : text;
}
