import { createHash } from "node:crypto";
import pg from "pg";

// Whoever serves people signs in with a role that reads and writes rows and nothing else: it owns no table, so it can neither change
// the schema nor switch a trigger off, and of the audit trail it may only read and add.
export const roles = { owner: "anneal_owner", app: "anneal_app" } as const;
export type Role = keyof typeof roles;
const schemas = ["public", "drizzle", "pgboss"];

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: "anneal-roles" });
  await client.connect();
  try {
    // Two starters at once wait for each other; the lock goes with the session.
    await client.query("select pg_advisory_lock($1)", [
      createHash("sha256").update("anneal roles").digest().readInt32BE(),
    ]);
    return await work(client);
  } finally {
    await client.end();
  }
}

// What a superuser made before there was an owner (a home of an older Anneal) goes to the owner, kind by kind: REASSIGN OWNED would
// want the system's own objects too.
const takeOver = `
do $do$
declare one record;
begin
  for one in select nspname from pg_namespace where nspname in (${schemas.map(literal).join(", ")}) loop
    execute format('alter schema %I owner to ${roles.owner}', one.nspname);
  end loop;
  for one in
    select c.oid::regclass as name, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in (${schemas.map(literal).join(", ")}) and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and c.relowner <> '${roles.owner}'::regrole
      -- A sequence of a column goes with its table.
      and not (c.relkind = 'S' and exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i') and d.classid = 'pg_class'::regclass))
  loop
    execute format('alter %s %s owner to ${roles.owner}',
      case one.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, one.name);
  end loop;
  for one in
    select p.oid::regprocedure as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in (${schemas.map(literal).join(", ")}) and p.proowner <> '${roles.owner}'::regrole
  loop
    execute format('alter routine %s owner to ${roles.owner}', one.name);
  end loop;
  for one in
    select t.oid::regtype as name from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where n.nspname in (${schemas.map(literal).join(", ")}) and t.typtype in ('e', 'd') and t.typowner <> '${roles.owner}'::regrole
  loop
    execute format('alter type %s owner to ${roles.owner}', one.name);
  end loop;
end
$do$`;

/** As the cluster's superuser: both roles with these passwords, the database and all in it the owner's. */
export async function makeRoles(superuserUrl: string, passwords: Record<Role, string>): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>("select current_database() as name");
    const database = client.escapeIdentifier(rows[0]?.name ?? "");
    for (const role of ["owner", "app"] as const) {
      const known = await client.query("select 1 from pg_roles where rolname = $1", [roles[role]]);
      const verb = known.rowCount ? "alter" : "create";
      await client.query(
        `${verb} role ${roles[role]} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${literal(passwords[role])}`,
      );
    }
    await client.query(`alter database ${database} owner to ${roles.owner}`);
    await client.query(`revoke all on database ${database} from public`);
    await client.query(`grant connect on database ${database} to ${roles.app}`);
    await client.query("revoke create on schema public from public");
    await client.query(takeOver);
  });
}

/** As the owner, when the schema is there: what the app's role may do. */
export async function grantToApp(ownerUrl: string): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    for (const schema of ["public", "pgboss"]) {
      await client.query(`grant usage on schema ${schema} to ${roles.app}`);
      await client.query(`grant select, insert, update, delete on all tables in schema ${schema} to ${roles.app}`);
      await client.query(`grant usage, select, update on all sequences in schema ${schema} to ${roles.app}`);
    }
    await client.query(`revoke update, delete, truncate on audit, audit_seals from ${roles.app}`);
  });
}
