import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, eq } from "drizzle-orm";
import { notFound, verb } from "../verb.ts";
import { toTeacherFile } from "./rows.ts";

const { teacherFiles } = schema;

export const list = verb(api.teacherFiles.list, async (ctx) => {
  const rows = await ctx.db.select().from(teacherFiles).orderBy(desc(teacherFiles.id)).limit(1000);
  return rows.map(toTeacherFile);
});

export const get = verb(api.teacherFiles.get, async (ctx, { teacherFileId }) => {
  const [row] = await ctx.db.select().from(teacherFiles).where(eq(teacherFiles.id, teacherFileId));
  if (!row) throw notFound("teacher file", teacherFileId);
  return toTeacherFile(row);
});
