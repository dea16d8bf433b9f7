import { join } from "node:path";
import type { TeacherFileSummary } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { StoragePaths } from "../ports.ts";
import { notFound } from "../verb.ts";

const { teacherFiles } = schema;
export type TeacherFileRow = typeof teacherFiles.$inferSelect;

/** Where a teacher's file is made and kept, with the log of its making. */
export const teacherFolder = (paths: Pick<StoragePaths, "home">, id: string): string =>
  join(paths.home, "teachers", id);

export const teacherPath = (paths: Pick<StoragePaths, "home">, id: string): string =>
  join(teacherFolder(paths, id), "best.teacher");

export function toTeacherFile(row: TeacherFileRow): TeacherFileSummary {
  const { id, name, input, status, fraction, rows, supervisedTokens, digest, bytes, problem } = row;
  return {
    id,
    name,
    model: input.model,
    dataset: row.datasetVersionId,
    topK: input.topK,
    maxSequenceTokens: input.maxSequenceTokens,
    status,
    fraction,
    rows,
    supervisedTokens,
    digest,
    bytes,
    problem,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

export async function lockTeacherFile(tx: Transaction, id: string): Promise<TeacherFileRow> {
  const [row] = await tx.select().from(teacherFiles).where(eq(teacherFiles.id, id)).for("update");
  if (!row) throw notFound("teacher file", id);
  return row;
}
