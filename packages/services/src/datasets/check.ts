import { api, ServiceError } from "@anneal/contracts";
import { resolveBase } from "../models/resolve-base.ts";
import { kindProblem } from "../runs/planning/row-problems.ts";
import { verb } from "../verb.ts";
import { checkVersion } from "./check-version.ts";
import { findVersion } from "./find-version.ts";

export const check = verb(api.datasets.check, async (ctx, { versionId, base, ...options }) => {
  const version = await findVersion(ctx, versionId, "versionId");
  const problem = options.objective && kindProblem(options.objective, version.format, "objective");
  if (problem) throw ServiceError.of(problem);
  const { source } = await resolveBase(ctx, base);
  return checkVersion(ctx, version, source, options);
});
