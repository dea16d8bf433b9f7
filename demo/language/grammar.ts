import type { Random } from "./random.ts";
import { amount, slots } from "./slots.ts";

/**
 * Fills a template: `[a|b|c]` takes one of its choices (an empty one is allowed, choices may nest), `{slot}` one of the
 * slot's values. Throws RangeError for a slot nobody knows or a bracket left open.
 */
export function fill(template: string, random: Random): string {
  const { text, end } = fillUntil(template, 0, random, false);
  if (end !== template.length) throw new RangeError(`template ${JSON.stringify(template)}: "]" without "["`);
  return text
    .replace(/ {2,}/g, " ")
    .replace(/ ([.,?!])/g, "$1")
    .trim();
}

function fillUntil(template: string, from: number, random: Random, nested: boolean): { text: string; end: number } {
  const choices: string[] = [];
  let text = "";
  let at = from;
  while (at < template.length) {
    const char = template[at];
    if (char === "[") {
      const inner = fillUntil(template, at + 1, random, true);
      text += inner.text;
      at = inner.end + 1;
    } else if (char === "{") {
      const close = template.indexOf("}", at);
      if (close < 0) throw new RangeError(`template ${JSON.stringify(template)}: "{" is never closed`);
      text += slotValue(template.slice(at + 1, close), random);
      at = close + 1;
    } else if (nested && char === "|") {
      choices.push(text);
      text = "";
      at++;
    } else if (char === "]") {
      if (!nested) return { text, end: at };
      choices.push(text);
      return { text: random.pick(choices), end: at };
    } else {
      text += char;
      at++;
    }
  }
  if (nested) throw new RangeError(`template ${JSON.stringify(template)}: "[" is never closed`);
  return { text, end: at };
}

function slotValue(name: string, random: Random): string {
  if (name === "amount") return amount(random);
  const values = slots[name];
  if (!values) throw new RangeError(`there is no slot {${name}}; there are ${Object.keys(slots).join(", ")}, amount`);
  return random.pick(values);
}
