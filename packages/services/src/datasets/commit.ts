import { rm } from "node:fs/promises";
import { api, type ColumnMapping, type DatasetFormat, ServiceError, say, type WorkOutput } from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { and, eq, max } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit, verb } from "../verb.ts";
import { findDatasets } from "./summary.ts";
import { findUpload, type UploadRow } from "./upload-row.ts";
import { lockDigest } from "./version-lock.ts";

const { datasets, datasetVersions, uploads, idempotencyKeys } = schema;
const scope = "datasets.commit";

interface Committed {
  datasetId: string;
  versionId: string;
  created: boolean; // false: the rows were a version of the dataset already
}

async function datasetNamed(tx: Transaction, ctx: ServiceContext, name: string): Promise<string> {
  await tx
    .insert(datasets)
    .values({ id: newId(), name, createdBy: ctx.actor.id, createdAt: ctx.now() })
    .onConflictDoNothing();
  const [row] = await tx.select({ id: datasets.id }).from(datasets).where(eq(datasets.name, name)).for("update");
  if (!row)
    throw new ServiceError("CONFLICT", say`the dataset ${name} was removed meanwhile`, { remedy: say`try again` });
  return row.id;
}

/** The dataset and its version; rows equal to those of an older version are that version. Null when the file is gone meanwhile. */
async function addVersion(
  tx: Transaction,
  ctx: ServiceContext,
  upload: UploadRow,
  name: string,
  made: WorkOutput<"dataset.import">,
): Promise<Committed | null> {
  await lockDigest(tx, made.digest);
  // Under the digest's lock: what is there now is named before anything may remove it.
  for (const { digest } of Object.values(made.files)) if (!(await ctx.files.store.stat(digest))) return null;
  const datasetId = await datasetNamed(tx, ctx, name);
  const [same] = await tx
    .select({ id: datasetVersions.id })
    .from(datasetVersions)
    .where(and(eq(datasetVersions.datasetId, datasetId), eq(datasetVersions.digest, made.digest)));
  const versionId = same?.id ?? newId();
  if (!same) {
    const [last] = await tx
      .select({ number: max(datasetVersions.number) })
      .from(datasetVersions)
      .where(eq(datasetVersions.datasetId, datasetId));
    const { digest, rows, bytes, format, badLineCount, leftOut, files } = made;
    await tx.insert(datasetVersions).values({
      id: versionId,
      datasetId,
      number: (last?.number ?? 0) + 1,
      digest,
      rows,
      bytes,
      format,
      badLineCount,
      sourceName: upload.fileName,
      leftOut,
      files,
      uploadId: upload.id,
      createdAt: ctx.now(),
    });
    await audit(tx, ctx, "dataset.commit", datasetId, { name, digest, rows, uploadId: upload.id });
  }
  // The same rows may be another file by now: that of a repair.
  else await tx.update(datasetVersions).set({ files: made.files }).where(eq(datasetVersions.id, same.id));
  await tx.update(uploads).set({ committedAt: ctx.now() }).where(eq(uploads.id, upload.id));
  await tx
    .insert(idempotencyKeys)
    .values({ scope, key: upload.id, inputHash: name, resultId: versionId, createdAt: ctx.now() })
    .onConflictDoNothing();
  return { datasetId, versionId, created: !same };
}

const removed = (name: string) =>
  new ServiceError("NOT_FOUND", say`the dataset ${name} was removed`, { remedy: say`upload it again` });

async function versionMade(ctx: ServiceContext, versionId: string, uploadId: string, name: string): Promise<Committed> {
  const [version] = await ctx.db.select().from(datasetVersions).where(eq(datasetVersions.id, versionId));
  if (!version) throw removed(name);
  return { datasetId: version.datasetId, versionId, created: version.uploadId === uploadId };
}

/** A commit told twice (the answer got lost) gives the same answer, though the uploaded file is gone by then. */
async function committedBefore(ctx: ServiceContext, uploadId: string, name: string): Promise<Committed | null> {
  const [before] = await ctx.db
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, uploadId)));
  if (!before) return null;
  if (before.inputHash === name) return versionMade(ctx, before.resultId, uploadId, name);
  throw new ServiceError("CONFLICT", say`this upload has become a version of ${before.inputHash}`, {
    field: "uploadId",
    remedy: say`upload the file again to use it under another name`,
  });
}

async function commitUpload(
  ctx: ServiceContext,
  upload: UploadRow,
  o: {
    name: string;
    format?: DatasetFormat;
    mapping?: ColumnMapping;
    leaveOut?: string[];
    skipBadLines: boolean;
  },
): Promise<Committed> {
  // Without new words the file is read as the last look at it was.
  const format = o.format ?? upload.format ?? undefined;
  const mapping = o.mapping ?? (format === upload.format ? upload.mapping : null);
  const leaveOut = o.leaveOut ?? upload.leaveOut ?? [];
  const { skipBadLines } = o;
  for (let attempt = 0; attempt < 3; attempt++) {
    const file = { path: upload.path, fileName: upload.fileName, format, mapping, leaveOut, skipBadLines };
    const made = await ctx.work.ask(ctx, "dataset.import", file, { title: o.name });
    const committed = await ctx.db.transaction((tx) => addVersion(tx, ctx, upload, o.name, made));
    if (committed) return committed;
  }
  throw new ServiceError("CONFLICT", say`a version of the same rows is being removed`, { remedy: say`try again` });
}

export const commit = verb(api.datasets.commit, async (ctx, { uploadId, name, ...o }) => {
  let committed = await committedBefore(ctx, uploadId, name);
  if (!committed) {
    const upload = await findUpload(ctx, uploadId);
    try {
      committed = await commitUpload(ctx, upload, { name, ...o });
    } catch (error) {
      // The same commit, told twice at once, may have been done by its twin, the file taken away with it.
      committed = await committedBefore(ctx, uploadId, name);
      if (!committed) throw error;
    }
    if (upload.owned) await rm(upload.path, { force: true });
  }
  const { datasetId, versionId, created } = committed;
  const [summary] = await findDatasets(ctx.db, eq(datasets.id, datasetId));
  if (!summary) throw removed(name);
  return { ...summary, versionId, created };
});
