import type { SampleAnswer } from "@anneal/contracts";

export interface GivenAnswer {
  text: string;
  adapter: string | null; // of several side by side, the one that answered
  thought: string | null;
  cut: boolean; // it ended at the cap
}

export interface PromptAnswers {
  prompt: string;
  expected: string | null;
  at: ReadonlyMap<number, GivenAnswer>; // by step
}

// Answers are compared as the evaluation compares them: without the space around them.
export const isExact = (answer: GivenAnswer | undefined, expected: string | null) =>
  answer !== undefined && expected !== null && answer.text.trim() === expected.trim();

export function groupAnswers(samples: readonly SampleAnswer[]): { steps: number[]; prompts: PromptAnswers[] } {
  const steps = [...new Set(samples.map(({ step }) => step))].sort((a, b) => a - b);
  const prompts = new Map<string, { prompt: string; expected: string | null; at: Map<number, GivenAnswer> }>();
  for (const { step, prompt, expected, answer, adapter, thought, cut } of samples) {
    const entry = prompts.get(prompt) ?? { prompt, expected, at: new Map<number, GivenAnswer>() };
    entry.at.set(step, { text: answer, adapter, thought, cut });
    prompts.set(prompt, entry);
  }
  return { steps, prompts: [...prompts.values()] };
}

export const exactAt = (prompts: readonly PromptAnswers[], step: number) =>
  prompts.filter(({ at, expected }) => isExact(at.get(step), expected)).length;
