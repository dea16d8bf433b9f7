import { say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import type { Node } from "./ast.ts";
import { Budget, defaultLimits, type TemplateLimits } from "./budget.ts";
import { globalFunctions } from "./globals.ts";
import { Interpreter, Scope } from "./interpreter.ts";
import { parseTemplate } from "./parse.ts";
import type { Traced } from "./traced.ts";
import { Dict, fromPlain, TemplateRefusal, type Value } from "./values.ts";

export interface RenderInput {
  messages: readonly unknown[];
  addGenerationPrompt: boolean;
  tools?: unknown;
  specialTokens?: Readonly<Record<string, string>>; // bos_token, eos_token ...
  variables?: Readonly<Record<string, unknown>>;
  now?: Date; // what strftime_now tells
}

const knownRoles = new Set(["system", "user", "assistant", "tool", "developer", "function", "model"]);
const templateRemedy = say`Use the chat template that the model's makers publish.`;

// A chat template of a model, as Hugging Face's transformers would run it.
export class ChatTemplate {
  readonly source: string;
  private readonly body: readonly Node[];
  private readonly limits: TemplateLimits;

  constructor(source: string, limits: TemplateLimits = defaultLimits) {
    this.source = source;
    this.limits = limits;
    this.body = parseTemplate(source);
  }

  // The conversation as text that knows which characters came from which message. Throws TextError where the template
  // refuses the conversation or asks for too much.
  render(input: RenderInput): Traced {
    const budget = new Budget(this.limits);
    try {
      const scope = new Scope();
      const globals: Record<string, Value> = {
        ...globalFunctions(budget, input.now ?? new Date()),
        ...templateValues(input.specialTokens ?? {}, null),
        ...templateValues(input.variables ?? {}, -1),
        messages: input.messages.map((message, i) => messageValue(message, i)),
        tools: fromPlain(input.tools ?? null, -1),
        documents: null,
        add_generation_prompt: input.addGenerationPrompt,
      };
      for (const [name, value] of Object.entries(globals)) scope.set(name, value);
      return new Interpreter(budget).render(this.body, new Scope(scope));
    } catch (error) {
      if (error instanceof TemplateRefusal)
        throw new TextError(
          "messages",
          say`the chat template refuses this conversation: ${error.message.slice(0, 500)}`,
          say`Put the roles in the order that the model's template expects, each with text as its content.`,
          { cause: error },
        );
      // The stack or the length of a string, where a template found a way around the budget.
      if (error instanceof RangeError)
        throw new TextError("chat template", say`nests too deeply or makes too much text`, templateRemedy, {
          cause: error,
        });
      throw error;
    }
  }
}

function templateValues(plain: Readonly<Record<string, unknown>>, source: number | null): Record<string, Value> {
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, fromPlain(value, source)]));
}

// Every string of a message is a person's, but for a role that everybody knows.
function messageValue(message: unknown, index: number): Value {
  const value = fromPlain(message, index);
  if (!(value instanceof Dict)) return value;
  const { role } = message as { role?: unknown };
  if (typeof role === "string" && knownRoles.has(role)) value.set("role", fromPlain(role, null));
  return value;
}
