import {
  adaptersOf,
  type ModelFacts,
  type PlanWarning,
  type Problem,
  type RunSpec,
  say,
  targetsOf,
  told,
} from "@anneal/contracts";
import type { FoundAdapter, StartAdapters } from "../../models/resolve-adapter.ts";

type Shape = Pick<FoundAdapter, "rank" | "alpha">;

interface Start {
  found: FoundAdapter;
  own: Shape;
  at: string; // where the spec says its shape
}

function startsOf(spec: RunSpec, starts: StartAdapters): Start[] {
  const { method } = spec;
  if (method.kind !== "lora") return [];
  const several = adaptersOf(spec).flatMap((own, i): Start[] => {
    const found = starts.adapters[own.name];
    return found ? [{ found, own, at: `adapters.${i}` }] : [];
  });
  return starts.adapter ? [{ found: starts.adapter, own: method, at: "method" }, ...several] : several;
}

/** An adapter goes on only in the shape it has; each difference names the setting that would follow it. */
export function adapterProblems(spec: RunSpec, starts: StartAdapters, facts: ModelFacts): Problem[] {
  const { method } = spec;
  if (method.kind !== "lora") return [];
  const problems: Problem[] = [];
  for (const { found, own, at } of startsOf(spec, starts)) {
    const differs = (field: string, has: string | number | boolean, wanted: string | number | boolean) =>
      problems.push({
        code: "INVALID_INPUT",
        field,
        ...told({
          message: say`${field}: ${say`${wanted}, but the adapter to continue from has ${has}`}`,
          remedy: say`set ${field} to ${has}`,
        }),
      });
    for (const name of ["rank", "alpha"] as const)
      if (found[name] !== own[name]) differs(`${at}.${name}`, found[name], own[name]);
    for (const name of ["rsLora", "dora"] as const)
      if (found[name] !== method[name]) differs(`method.${name}`, found[name], method[name]);
    const [has, wanted] = [found.targets, targetsOf(method.targets, facts.linearNames)].map((list) => [...list].sort());
    if (has && wanted && has.join() !== wanted.join()) differs("method.targets", has.join(", "), wanted.join(", "));
  }
  return problems;
}

// "Qwen/Qwen2.5-0.5B", "/models/Qwen2.5-0.5B/", "qwen2.5-0.5b:latest" and "Qwen2.5-0.5B.Q4_K_M.gguf" are one model by its name.
function bareName(name: string): string {
  const last =
    name
      .replace(/[/\\]+$/, "")
      .split(/[/\\]/)
      .at(-1) ?? "";
  return last
    .toLowerCase()
    .replace(/:latest$/, "")
    .replace(/\.gguf$/, "")
    .replace(/[.-](i?q\d\w*|f16|bf16|f32)$/, "")
    .replace(/[^\p{L}\p{N}]/gu, "");
}

/** An adapter that fits by its shapes but says that it was trained on another base: training goes on, somebody should look. */
export function adapterWarnings(spec: RunSpec, starts: StartAdapters, baseName: string): PlanWarning[] {
  const mine = [baseName, spec.base].map(bareName);
  return startsOf(spec, starts).flatMap(({ found: { baseModelName }, at }): PlanWarning[] => {
    if (baseModelName === "" || mine.includes(bareName(baseModelName))) return [];
    const field = `${at}.startFrom`;
    return [
      {
        field,
        ...told({
          message: say`${field}: by its base_model_name_or_path the adapter was trained on ${baseModelName}; the base of this run is ${baseName}, of the same shape`,
          remedy: say`make sure that both are the same model: over another one an adapter is noise`,
        }),
      },
    ];
  });
}
