import { z } from "zod";
import { strict } from "../strict.ts";

/** A value that a search may give to a field of a run spec. */
export const SearchValue = z.union([z.number(), z.string(), z.boolean(), z.null()]);
export type SearchValue = z.infer<typeof SearchValue>;

/** The parameter exists only where another one has one of these values. */
const Condition = strict({ parameter: z.string().min(1), values: z.array(SearchValue).min(1) });

const numeric = {
  low: z.number(),
  high: z.number(),
  log: z.boolean().default(false), // search the logarithm; not together with a step
  when: Condition.optional(),
};

export const SearchParameter = z.discriminatedUnion("kind", [
  strict({ kind: z.literal("float"), ...numeric, step: z.number().positive().nullable().default(null) }),
  strict({ kind: z.literal("int"), ...numeric, step: z.int().min(1).default(1) }),
  strict({
    kind: z.literal("categorical"),
    choices: z.array(SearchValue).min(1).max(256),
    when: Condition.optional(),
  }),
]);
export type SearchParameter = z.infer<typeof SearchParameter>;

function parameterFault(space: Record<string, SearchParameter>, name: string): string | null {
  const p = space[name] as SearchParameter;
  if (p.kind === "categorical") {
    if (new Set(p.choices.map((c) => JSON.stringify(c))).size < p.choices.length) return "names one choice twice";
  } else {
    if (!(p.low <= p.high)) return `has its low end ${p.low} above its high end ${p.high}`;
    if (p.log && p.low <= 0) return `searches a logarithm from ${p.low}; its low end must be above 0`;
    if (p.log && (p.kind === "float" ? p.step !== null : p.step !== 1)) return "has a logarithm and a step; choose one";
    if (p.kind === "int" && !(Number.isSafeInteger(p.low) && Number.isSafeInteger(p.high)))
      return "is an int; its ends must be whole numbers";
  }
  const seen = new Set([name]);
  for (let at: string | undefined = p.when?.parameter; at !== undefined; at = space[at]?.when?.parameter) {
    if (!space[at]) return `depends on "${at}", which the space does not have`;
    if (seen.has(at)) return `depends on itself through "${at}"`;
    seen.add(at);
  }
  const parent = p.when && space[p.when.parameter];
  if (p.when && parent?.kind !== "categorical") return `depends on "${p.when.parameter}", which is not categorical`;
  const stranger = p.when?.values.find((v) => parent?.kind === "categorical" && !parent.choices.includes(v));
  if (stranger !== undefined)
    return `depends on "${p.when?.parameter}" = ${JSON.stringify(stranger)}, which is no choice of it`;
  return null;
}

/** What a search may choose, by the path of the spec's field: {"learningRate": {kind: "float", low: 1e-6, high: 5e-5, log: true}}. */
export const SearchSpace = z.record(z.string().min(1).max(200), SearchParameter).superRefine((space, ctx) => {
  if (Object.keys(space).length === 0)
    ctx.addIssue({ code: "custom", message: "a search needs at least one parameter" });
  for (const name of Object.keys(space)) {
    const fault = parameterFault(space, name);
    if (fault) ctx.addIssue({ code: "custom", path: [name], message: fault });
  }
});
export type SearchSpace = z.infer<typeof SearchSpace>;

/** A point of a space: a value for every parameter whose condition holds. */
export type SearchPoint = Record<string, SearchValue>;
