import { adaptersOf, type ModelFacts, type Problem, type RunSpec, say, targetsOf, told } from "@anneal/contracts";
import { linearsOf } from "../../models/adapter-modules.ts";
import type { FoundAdapter, StartAdapters } from "../../models/resolve-adapter.ts";

type Shape = Pick<FoundAdapter, "rank" | "alpha">;

/** An adapter goes on only in the shape it has; each difference names the setting that would follow it. */
export function adapterProblems(spec: RunSpec, starts: StartAdapters, facts: ModelFacts): Problem[] {
  const { method } = spec;
  if (method.kind !== "lora") return [];
  const problems: Problem[] = [];
  const compare = (found: FoundAdapter, own: Shape, shapeAt: string) => {
    const differs = (field: string, has: string | number | boolean, wanted: string | number | boolean) =>
      problems.push({
        code: "INVALID_INPUT",
        field,
        ...told({
          message: say`${field}: ${say`${wanted}, but the adapter to go on from has ${has}`}`,
          remedy: say`set ${field} to ${has}`,
        }),
      });
    for (const name of ["rank", "alpha"] as const)
      if (found[name] !== own[name]) differs(`${shapeAt}.${name}`, found[name], own[name]);
    for (const name of ["rsLora", "dora"] as const)
      if (found[name] !== method[name]) differs(`method.${name}`, found[name], method[name]);
    const targets = [...linearsOf(found.modules, facts.linearNames), ...found.parts];
    const [has, wanted] = [targets, targetsOf(method.targets, facts.linearNames)].map((list) => [...list].sort());
    if (has && wanted && has.join() !== wanted.join()) differs("method.targets", has.join(", "), wanted.join(", "));
  };
  if (starts.adapter) compare(starts.adapter, method, "method");
  for (const [i, own] of adaptersOf(spec).entries()) {
    const found = starts.adapters[own.name];
    if (found) compare(found, own, `adapters.${i}`);
  }
  return problems;
}
