import { type Database, schema, type Transaction } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { and, asc, desc, gte, notExists, sql } from "drizzle-orm";
import { genesisMac, rowMac, sealMac } from "./canonical.ts";
import { type AuditKey, auditKey } from "./key.ts";

const { audit, auditSeals } = schema;
const sealLock = 0x616e7365;
const pageRows = 500;
// Transactions are far shorter: what is older has its link, or was looked at when this process began.
const windowMilliseconds = 3_600_000;

const lowestIdAt = (milliseconds: number) => {
  const hex = Math.max(0, milliseconds).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
};

async function begin(tx: Transaction, { key, begun, markBegun }: AuditKey) {
  // The home says that there was a chain, the database has lost it: no second beginning may hide that.
  if (begun() !== null) return null;
  const [count] = await tx.select({ rows: sql<number>`count(*)::int` }).from(audit).where(sql`${audit.mac} is null`);
  const genesis = { adopted: count?.rows ?? 0, time: new Date().toISOString() };
  const mac = genesisMac(key, genesis);
  await tx.insert(auditSeals).values({ number: 0, mac, genesis });
  let last = { number: 0, mac };
  // Rows of before have no mark of their own: from here on the chain holds them.
  const rows = await tx.select().from(audit).where(sql`${audit.mac} is null`).orderBy(asc(audit.id));
  for (let at = 0; at < rows.length; at += pageRows) last = await append(tx, key, last, rows.slice(at, at + pageRows));
  markBegun(mac);
  return last;
}

async function append(
  tx: Transaction,
  key: Buffer,
  last: { number: number; mac: string },
  rows: (typeof audit.$inferSelect)[],
) {
  let { number, mac } = last;
  const links = rows.map((row) => {
    number += 1;
    mac = sealMac(key, number, mac, row);
    return { number, auditId: row.id, mac };
  });
  if (links.length > 0) await tx.insert(auditSeals).values(links);
  return { number, mac };
}

/** Links every committed row that has none yet; one sealer at a time in all processes. */
async function sealOnce(db: Database, held: AuditKey, since: number): Promise<void> {
  await db.transaction((member) =>
    acrossProjects(member, async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${sealLock})`);
      const [known] = await tx.select().from(auditSeals).orderBy(desc(auditSeals.number)).limit(1);
      let last = known ?? (await begin(tx, held));
      if (!last) return;
      const link = tx
        .select({ id: auditSeals.auditId })
        .from(auditSeals)
        .where(sql`${auditSeals.auditId} = ${audit.id}`);
      const rows = await tx
        .select()
        .from(audit)
        .where(and(gte(audit.id, lowestIdAt(since)), notExists(link)))
        .orderBy(asc(audit.id));
      // A row without Anneal's own mark gets no link; the check tells of it.
      const own = rows.filter((row) => row.mac !== null && row.mac === rowMac(held.key, row));
      for (let at = 0; at < own.length; at += pageRows)
        last = await append(tx, held.key, last, own.slice(at, at + pageRows));
    }),
  );
}

let running: Promise<void> | null = null;
let next: Promise<void> | null = null;
let wholeLooked = false;

/**
 * Resolves when every row that was committed before this call has its link. Verbs that end at the same time share one sealing, and
 * none holds a lock while it works: the chain is no bottleneck.
 */
export function sealTrail(db: Database): Promise<void> {
  const held = auditKey();
  if (!held) return Promise.resolve();
  if (!running) {
    const since = wholeLooked ? Date.now() - windowMilliseconds : 0;
    running = sealOnce(db, held, since)
      .then(() => {
        wholeLooked = true;
      })
      .finally(() => {
        running = null;
      });
    return running;
  }
  const chain = () => {
    next = null;
    return sealTrail(db);
  };
  next ??= running.then(chain, chain);
  return next;
}
