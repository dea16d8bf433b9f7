import { api, type UploadInspection } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import { verb } from "../verb.ts";
import { findUpload } from "./upload-row.ts";

/** Looks at an upload again, as another format, with other columns, or without some fields. */
export const inspect = verb(api.datasets.inspect, async (ctx, { uploadId, format, mapping, leaveOut }) => {
  const row = await findUpload(ctx, uploadId);
  const file = { path: row.path, fileName: row.fileName, format, mapping, leaveOut };
  const found = await ctx.work.ask(ctx, "dataset.inspect", file);
  const inspection: UploadInspection = { uploadId, ...found };
  await ctx.db
    .update(schema.uploads)
    .set({ format: found.format, mapping: found.mapping, leaveOut: found.leaveOut, inspection })
    .where(eq(schema.uploads.id, uploadId));
  return inspection;
});
