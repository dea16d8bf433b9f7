import { TextError } from "../text-error.ts";
import { encodePrompt, renderTraced } from "./prompt.ts";
import type { TextModel } from "./text-model.ts";

interface Needed {
  id: number;
  text: string;
  by: "template" | "end" | "start";
}

/** Tokens that every chat needs, whatever is in it: what begins and ends it, and what the template writes around it. */
export function tokensNeeded(model: TextModel): Needed[] {
  const { tokenizer, stopTokens, addsBos } = model;
  const start = [...tokenizer.prefixIds, ...(addsBos && tokenizer.bosId !== null ? [tokenizer.bosId] : [])];
  const end = [...tokenizer.suffixIds, ...stopTokens];
  const named = (ids: Iterable<number>, by: Needed["by"]) =>
    Array.from(ids, (id) => ({ id, text: tokenizer.tokenText(id), by }));
  return [...named(end, "end"), ...named(start, "start"), ...named(templateIds(model), "template")];
}

function templateIds(model: TextModel): number[] {
  const question = { role: "user" as const, content: "q" };
  const answer = { role: "assistant" as const, content: "a" };
  return [
    [question, answer],
    [{ role: "system" as const, content: "s" }, question, answer],
  ].flatMap((messages) => {
    try {
      const { text, runs } = renderTraced(model, messages, { addGenerationPrompt: false });
      return [...model.tokenizer.encodeGuarded(text, runs).ids, ...encodePrompt(model, messages.slice(0, -1))];
    } catch (error) {
      if (error instanceof TextError) return []; // some templates take no system line
      throw error;
    }
  });
}
