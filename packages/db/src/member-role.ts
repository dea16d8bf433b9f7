import type pg from "pg";

// Row-level security binds every role but superusers and those that bypass it. Where the database's own role is one of them, its
// connections of members take this role off: it reads and writes rows, and signs in nowhere.
export const memberRole = "anneal_member";

export async function passesRowSecurity(client: Pick<pg.ClientBase, "query">): Promise<boolean> {
  const { rows } = await client.query<{ passes: boolean }>(
    "select rolsuper or rolbypassrls as passes from pg_roles where rolname = current_user",
  );
  return rows[0]?.passes ?? false;
}

/** Roles are the cluster's: another database's starter may make it at the same moment. */
export async function makeMemberRole(client: Pick<pg.ClientBase, "query">): Promise<void> {
  await client.query(`
    do $do$ begin
      if not exists (select 1 from pg_roles where rolname = '${memberRole}') then create role ${memberRole} nologin; end if;
      if not pg_has_role('${memberRole}', 'pg_write_all_data', 'member') then
        grant pg_read_all_data, pg_write_all_data to ${memberRole};
      end if;
    exception when duplicate_object or unique_violation then null;
    end $do$`);
}
