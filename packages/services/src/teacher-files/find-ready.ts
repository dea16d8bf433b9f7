import { stat } from "node:fs/promises";
import { ServiceError, type TeacherFacts, type TrainerTeacherFile } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { teacherFiles } = schema;
const field = "objective.teacherFile";

/** A teacher's file that a run can learn from: made to its end, and still there. */
export async function findReady(
  ctx: Pick<ServiceContext, "db">,
  id: string,
): Promise<TrainerTeacherFile & { facts: TeacherFacts }> {
  const refuse = (code: "NOT_FOUND" | "PRECONDITION_FAILED", message: string, remedy: string) =>
    new ServiceError(code, `${field}: ${message}`, { field, remedy });
  const [row] = await ctx.db.select().from(teacherFiles).where(eq(teacherFiles.id, id));
  if (!row) throw refuse("NOT_FOUND", `there is no teacher file ${id}`, "list them: anneal teacher list");
  const { name, status, path, digest, bytes, facts } = row;
  if (status !== "ready" || !path || !digest || !facts)
    throw refuse(
      "PRECONDITION_FAILED",
      `${name} is ${status}`,
      status === "failed" ? "make it again: anneal teacher retry" : "wait until it is ready",
    );
  const size = await stat(path).then(
    (found) => found.size,
    () => null,
  );
  if (size !== bytes)
    throw refuse(
      "NOT_FOUND",
      `the file of ${name} ${size === null ? "is gone" : `has ${size} bytes, not ${bytes}`}`,
      "make another one: anneal teacher make",
    );
  return { path, digest, name, topK: facts.topK, facts };
}
