import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { ServiceError, say, type TeacherFacts, type TrainerTeacherFile, type Words } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { teacherPath } from "./rows.ts";

const { teacherFiles } = schema;
const field = "objective.teacherFile";

/** A teacher's file that a run can learn from: made to its end, and still there. */
export async function findReady(
  ctx: Pick<ServiceContext, "db" | "files" | "paths">,
  id: string,
): Promise<TrainerTeacherFile & { id: string; facts: TeacherFacts }> {
  const refuse = (code: "NOT_FOUND" | "PRECONDITION_FAILED", message: Words, remedy: Words) =>
    new ServiceError(code, say`${field}: ${message}`, { field, remedy });
  const [row] = await ctx.db.select().from(teacherFiles).where(eq(teacherFiles.id, id));
  if (!row) throw refuse("NOT_FOUND", say`there is no teacher file ${id}`, say`list them: anneal teacher list`);
  const { name, status, digest, bytes, facts } = row;
  if (status !== "ready" || !digest || !facts)
    throw refuse(
      "PRECONDITION_FAILED",
      status === "failed" ? say`the making of ${name} has failed` : say`${name} is not made yet`,
      status === "failed" ? say`make it again: anneal teacher retry` : say`wait until it is ready`,
    );
  const path = teacherPath(ctx.paths, id);
  if (!existsSync(path) && row.stored) await ctx.files.placeAt(digest, path);
  const size = await stat(path).then(
    (found) => found.size,
    () => null,
  );
  if (size !== bytes)
    throw refuse(
      "NOT_FOUND",
      size === null ? say`the file of ${name} is gone` : say`the file of ${name} has ${size} bytes, not ${bytes}`,
      say`make another one: anneal teacher make`,
    );
  return { id, path, digest, name, topK: facts.topK, facts };
}
