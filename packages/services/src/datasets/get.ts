import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import { notFound, verb } from "../verb.ts";
import { findDatasets } from "./summary.ts";

export const get = verb(api.datasets.get, async (ctx, { datasetId }) => {
  const [found] = await findDatasets(ctx.db, eq(schema.datasets.id, datasetId));
  if (!found) throw notFound("dataset", datasetId);
  return found;
});
