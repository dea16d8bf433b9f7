import { readdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Id } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { inArray } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { teacherFolder } from "./rows.ts";

const { teacherFiles } = schema;

/** Removes folders whose row is gone: that of a dataset that was removed, or of a removal that was cut off. */
export async function clearLost(ctx: Pick<ServiceContext, "db" | "paths">): Promise<number> {
  const names = await readdir(dirname(teacherFolder(ctx.paths, "any"))).catch(() => []);
  const ids = names.filter((name) => Id.safeParse(name).success);
  if (ids.length === 0) return 0;
  const rows = await ctx.db.select({ id: teacherFiles.id }).from(teacherFiles).where(inArray(teacherFiles.id, ids));
  const known = new Set(rows.map(({ id }) => id));
  const lost = ids.filter((id) => !known.has(id));
  for (const id of lost) await rm(teacherFolder(ctx.paths, id), { recursive: true, force: true });
  return lost.length;
}
