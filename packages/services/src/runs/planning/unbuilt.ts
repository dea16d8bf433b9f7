import type { Problem, RunSpec } from "@anneal/contracts";

/** What the spec can say and this build cannot do yet. A line goes when its part comes. */
export function unbuiltProblems(spec: RunSpec): Problem[] {
  const problems: Problem[] = [];
  const refuse = (field: string, value: unknown, remedy: string) =>
    problems.push({ code: "UNSUPPORTED", field, message: `${field}: ${value} is not in this build`, remedy });
  if (spec.routerAuxWeight > 0) refuse("routerAuxWeight", "the router loss", "set it to 0");
  return problems;
}
