import { type Phrase, say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";

export interface TemplateLimits {
  steps: number; // nodes evaluated
  characters: number; // of all strings made on the way
  depth: number; // macros calling macros
}
export const defaultLimits: TemplateLimits = { steps: 1_000_000, characters: 32_000_000, depth: 64 };

// A template is a program of strangers: it may not run for ever, fill the memory or the stack.
export class Budget {
  private steps: number;
  private characters: number;
  private depth = 0;
  private readonly limits: TemplateLimits;

  constructor(limits: TemplateLimits) {
    this.limits = limits;
    this.steps = limits.steps;
    this.characters = limits.characters;
  }
  step(count = 1): void {
    this.steps -= count;
    if (this.steps < 0) this.refuse(say`takes more than ${this.limits.steps} steps`);
  }
  make(characters: number): void {
    this.characters -= characters;
    if (this.characters < 0) this.refuse(say`makes more than ${this.limits.characters} characters`);
  }
  enter(): void {
    if (++this.depth > this.limits.depth) this.refuse(say`calls itself more than ${this.limits.depth} levels deep`);
  }
  leave(): void {
    this.depth--;
  }
  private refuse(cause: Phrase): never {
    throw new TextError("chat template", cause, say`Use the chat template that the model's makers publish.`);
  }
}
