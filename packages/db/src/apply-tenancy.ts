import { createHash } from "node:crypto";
import type pg from "pg";
import { makeMemberRole, passesRowSecurity } from "./member-role.ts";
import { tenancy, visible } from "./tenancy.ts";

type Client = Pick<pg.ClientBase, "query">;
const prefix = "project_";

/** Puts each table's rule on it. A rule that is there already is left alone: changing one locks the table. */
export async function applyTenancy(client: Client): Promise<void> {
  const { rows } = await client.query<{ tablename: string; policyname: string }>(
    "select tablename, policyname from pg_policies where schemaname = 'public'",
  );
  for (const [table, rule] of Object.entries(tenancy)) {
    const wanted = visible(table, rule);
    const name = wanted && prefix + createHash("sha256").update(wanted).digest("hex").slice(0, 16);
    const there = rows.flatMap((row) => (row.tablename === table ? [row.policyname] : []));
    if (there.length === (name ? 1 : 0) && there.every((one) => one === name)) continue;
    const changes = there.map((old) => `drop policy "${old}" on "${table}"`);
    if (wanted)
      changes.push(
        `alter table "${table}" enable row level security`,
        `alter table "${table}" force row level security`, // the owner of the tables is bound as well
        `create policy "${name}" on "${table}" using (${wanted}) with check (${wanted})`,
      );
    else changes.push(`alter table "${table}" disable row level security`);
    await client.query(["begin", ...changes, "commit"].join(";\n"));
  }
  if (await passesRowSecurity(client)) await makeMemberRole(client);
}
