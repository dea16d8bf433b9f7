import { api } from "@anneal/contracts";
import { openVersion } from "@anneal/data";
import { verb } from "../verb.ts";
import { findVersion } from "./find-version.ts";

export const rows = verb(api.datasets.rows, async (ctx, { versionId, offset, limit }) => {
  const version = await findVersion(ctx, versionId, "versionId");
  const reader = await openVersion(version.path);
  try {
    return { rows: await reader.read(offset, limit), total: reader.rows };
  } finally {
    await reader.close();
  }
});
