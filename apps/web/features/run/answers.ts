import type { SampleAnswer } from "@anneal/contracts";

export interface PromptAnswers {
  prompt: string;
  expected: string | null;
  at: ReadonlyMap<number, string>; // answers by step
}

// Answers are compared as the evaluation compares them: without the space around them.
export const isExact = (answer: string | undefined, expected: string | null) =>
  answer !== undefined && expected !== null && answer.trim() === expected.trim();

export function groupAnswers(samples: readonly SampleAnswer[]): { steps: number[]; prompts: PromptAnswers[] } {
  const steps = [...new Set(samples.map(({ step }) => step))].sort((a, b) => a - b);
  const prompts = new Map<string, { prompt: string; expected: string | null; at: Map<number, string> }>();
  for (const { step, prompt, expected, answer } of samples) {
    const entry = prompts.get(prompt) ?? { prompt, expected, at: new Map<number, string>() };
    entry.at.set(step, answer);
    prompts.set(prompt, entry);
  }
  return { steps, prompts: [...prompts.values()] };
}

export const exactAt = (prompts: readonly PromptAnswers[], step: number) =>
  prompts.filter(({ at, expected }) => isExact(at.get(step), expected)).length;
