import { z } from "zod";
import { engineReasons } from "./engine-reasons/index.ts";

/** What the engine says is wrong: the reason is the code of its sentence, `args` are the values in it. */
export interface EngineCause {
  reason: string;
  args: { [name: string]: string | number | EngineCause };
}

export const EngineCause: z.ZodType<EngineCause> = z.object({
  reason: z.string(),
  args: z.record(z.string(), z.union([z.string(), z.number(), z.lazy(() => EngineCause)])),
});

/** An error of the engine, by its shape: `where` names the operation, file or field that it is about. */
export const EngineProblem = z.object({
  code: z.templateLiteral(["ENGINE_", z.string()]),
  reason: z.string(),
  where: z.string(),
  args: z.record(z.string(), z.union([z.string(), z.number(), EngineCause])),
});
export type EngineProblem = z.infer<typeof EngineProblem>;

/** The engine's error that this is; a bundler may hold its class twice. */
export const engineProblemOf = (error: unknown): EngineProblem | null =>
  error instanceof Error ? (EngineProblem.safeParse(error).data ?? null) : null;

/** Under which a catalogue of phrases holds the sentence of a reason. */
export const reasonKey = (reason: string) => `engine.${reason}`;

/** The sentence in the language of a catalogue, or in English; of a reason that is not known, the reason and its values. */
export function causeInWords(cause: EngineCause, catalogue: Readonly<Record<string, string>> = {}): string {
  const { reason, args } = cause;
  const key = reasonKey(reason);
  const pattern = Object.hasOwn(catalogue, key)
    ? catalogue[key]
    : Object.hasOwn(engineReasons, reason)
      ? engineReasons[reason]
      : undefined;
  const text = (name: string) => {
    const value = args[name];
    return typeof value === "object" ? causeInWords(value, catalogue) : String(value);
  };
  if (pattern === undefined)
    return [
      reason,
      ...Object.keys(args)
        .sort()
        .map((name) => `${name} ${text(name)}`),
    ].join(", ");
  return pattern.replace(/\{([a-z][a-z0-9_]*)\}/g, (place, name: string) =>
    Object.hasOwn(args, name) ? text(name) : place,
  );
}
