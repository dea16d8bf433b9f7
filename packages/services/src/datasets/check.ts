import { api } from "@anneal/contracts";
import { resolveBase } from "../models/resolve-base.ts";
import { verb } from "../verb.ts";
import { checkVersion } from "./check-version.ts";
import { findVersion } from "./find-version.ts";

export const check = verb(api.datasets.check, async (ctx, { versionId, base, maxSequenceTokens, examples }) => {
  const version = await findVersion(ctx, versionId, "versionId");
  const { source } = await resolveBase(ctx, base);
  return checkVersion(ctx, version, source, { maxSequenceTokens, examples });
});
