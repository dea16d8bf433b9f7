import { type ModelFacts, type Problem, type RunSpec, targetsOf } from "@anneal/contracts";
import type { FoundAdapter } from "../../models/resolve-adapter.ts";

/** An adapter goes on only in the shape it has; each difference names the setting that would follow it. */
export function adapterProblems(spec: RunSpec, adapter: FoundAdapter | null, facts: ModelFacts): Problem[] {
  const { method } = spec;
  if (!adapter || method.kind !== "lora") return [];
  const problems: Problem[] = [];
  const differs = (field: string, has: string | number | boolean, wanted: string | number | boolean) =>
    problems.push({
      code: "INVALID_INPUT",
      field: `method.${field}`,
      message: `method.${field}: ${wanted}, but the adapter to go on from has ${has}`,
      remedy: `set method.${field} to ${has}`,
    });
  for (const name of ["rank", "alpha", "rsLora", "dora"] as const)
    if (adapter[name] !== method[name]) differs(name, adapter[name], method[name]);
  const [has, wanted] = [adapter.targets, targetsOf(method.targets, facts.linearNames)].map((list) => [...list].sort());
  if (has && wanted && has.join() !== wanted.join()) differs("targets", has.join(", "), wanted.join(", "));
  return problems;
}
