import { api, ServiceError, say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { asc, desc } from "drizzle-orm";
import { verb } from "../verb.ts";
import { auditKey } from "./key.ts";
import { sealTrail } from "./seal.ts";
import { verifyTrail } from "./verify.ts";

export { openAuditKey } from "./key.ts";
export { sealTrail } from "./seal.ts";

const { audit, auditSeals } = schema;
const mostFindings = 100;

/** The newest link of the chain, to be kept where nobody of this machine can change it. */
export const head = verb(api.system.auditHead, async (ctx) => {
  await sealTrail(ctx.db);
  const [last] = await ctx.db.select().from(auditSeals).orderBy(desc(auditSeals.number)).limit(1);
  if (!last)
    throw new ServiceError("PRECONDITION_FAILED", say`the audit trail has no chain yet`, {
      remedy: say`restart Anneal: the chain begins at its start`,
    });
  return { number: last.number, mac: last.mac };
});

/** The whole trail held against its chain, and against a head exported before. */
export const verify = verb(api.system.verifyAudit, async (ctx, input) => {
  const held = auditKey();
  if (!held)
    throw new ServiceError("UNAVAILABLE", say`this process has no key of the audit trail`, {
      remedy: say`ask Anneal's console or its API`,
    });
  await sealTrail(ctx.db);
  const { rows, seals } = await ctx.db.transaction(
    (tx) =>
      acrossProjects(tx, async (all) => ({
        rows: await all.select().from(audit).orderBy(asc(audit.id)),
        seals: await all.select().from(auditSeals).orderBy(asc(auditSeals.number)),
      })),
    { isolationLevel: "repeatable read" },
  );
  const verdict = verifyTrail(held.key, { rows, seals, begun: held.begun(), head: input?.head });
  return {
    ...verdict,
    ok: verdict.findings.length === 0,
    findings: verdict.findings.slice(0, mostFindings),
    adopted: seals[0]?.genesis?.adopted ?? 0,
  };
});
