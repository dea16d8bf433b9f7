import { access } from "node:fs/promises";
import { type ColumnMapping, type DatasetFormat, ServiceError, say, type UploadInspection } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { and, eq, gt } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit } from "../verb.ts";
import { allowedFile } from "./allowed-path.ts";

const { uploads } = schema;
export const uploadLifeMilliseconds = 24 * 3_600_000;
export type UploadRow = typeof uploads.$inferSelect;

interface NewUpload {
  path: string;
  bytes: number;
  fileName: string;
  owned: boolean;
  format?: DatasetFormat;
  mapping?: ColumnMapping;
}

/** Looks at a file and remembers it under an id. */
export async function makeUpload(ctx: ServiceContext, file: NewUpload): Promise<UploadInspection> {
  const { path, bytes, fileName, owned, format, mapping } = file;
  const found = await ctx.work.ask(ctx, "dataset.inspect", { path, fileName, format, mapping });
  const id = newId();
  const inspection: UploadInspection = { uploadId: id, ...found };
  const now = ctx.now();
  await ctx.db.transaction(async (tx) => {
    await tx.insert(uploads).values({
      id,
      fileName: found.fileName,
      path,
      bytes,
      owned,
      format: found.format,
      mapping: found.mapping,
      inspection,
      createdBy: ctx.actor.id,
      createdAt: now,
      expiresAt: new Date(now.getTime() + uploadLifeMilliseconds),
    });
    await audit(tx, ctx, owned ? "dataset.upload" : "dataset.importPath", id, { fileName: found.fileName, bytes });
  });
  return inspection;
}

/** An upload that is still there; its file too. A path of the person's own is checked again: links may have changed. */
export async function findUpload(ctx: ServiceContext, uploadId: string): Promise<UploadRow> {
  const [row] = await ctx.db
    .select()
    .from(uploads)
    .where(and(eq(uploads.id, uploadId), gt(uploads.expiresAt, ctx.now())));
  if (!row)
    throw new ServiceError("NOT_FOUND", say`there is no upload ${uploadId}, or it has expired`, {
      field: "uploadId",
      remedy: say`upload the file again`,
    });
  if (!row.owned) return { ...row, path: await allowedFile(ctx.paths.dataDirectories, row.path) };
  await access(row.path).catch((cause: unknown) => {
    throw new ServiceError("NOT_FOUND", say`the uploaded file is gone`, {
      field: "uploadId",
      remedy: say`upload the file again`,
      cause,
    });
  });
  return row;
}
