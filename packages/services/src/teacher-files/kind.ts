import { say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { type JobKind, leases } from "../jobs/index.ts";

const { teacherFiles } = schema;

export const teacherKind: JobKind<typeof teacherFiles> = {
  table: teacherFiles,
  subject: say`teacher file`,
  waiting: "pending",
  taken: "making",
  held: ["making"],
  enqueue: (queue, tx, teacherFileId) => queue.enqueue(tx, "teacher.make", { teacherFileId }),
};
export const teacherLeases = leases(teacherKind);
