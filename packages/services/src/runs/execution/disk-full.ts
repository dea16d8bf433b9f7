import { statfs } from "node:fs/promises";
import { diskFullCode, type Problem, say, told } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { ServiceContext } from "../../context.ts";
import { resumeRun } from "../control.ts";
import { ofStore } from "./kind.ts";

const { runs } = schema;
// Beyond what the run needs: a journal, a log and the database want to write too.
const spareBytes = 64 * 1024 ** 2;
const Details = z.object({ folder: z.string(), neededBytes: z.number() });

const inMib = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
const freeBytes = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

/** Why a run that found no room pauses: how much is missing, and where. `writtenBytes`: what it has written so far. */
export async function diskFullProblem(
  folder: string,
  plannedBytes: number | null,
  writtenBytes: number,
): Promise<Problem> {
  const free = await freeBytes(folder);
  // What is free now did not suffice, so more than that is missing whatever was planned.
  const needed = Math.max((plannedBytes ?? 0) - writtenBytes, free) + spareBytes;
  const missing = needed - free;
  return {
    code: "UNAVAILABLE",
    field: null,
    ...told({
      message: say`the disk of ${folder} is full: ${inMib(missing)} are missing (${inMib(free)} free, ${inMib(needed)} needed)`,
      remedy: say`free that much there, or raise the quota; the run then continues by itself, or when you resume it`,
    }),
    details: { code: diskFullCode, folder, freeBytes: free, neededBytes: needed, missingBytes: missing },
  };
}

/** Resumes the runs of a store that found the disk full and have room now. */
export async function resumeWhereRoom(ctx: ServiceContext, store: string): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: runs.id, problem: runs.problem })
    .from(runs)
    .where(and(eq(runs.status, "paused"), sql`${runs.problem}->'details'->>'code' = ${diskFullCode}`, ofStore(store)));
  const resumed: string[] = [];
  for (const { id, problem } of rows) {
    const details = Details.safeParse(problem?.details);
    if (!details.success || (await freeBytes(details.data.folder)) < details.data.neededBytes) continue;
    await resumeRun(ctx, id);
    resumed.push(id);
  }
  return resumed;
}
