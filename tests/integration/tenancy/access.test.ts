// Every procedure and route, for every role, as a member, as a member of another project, disabled, and with a revoked token. What there
// is comes from the router and from the folder of routes: one that is added later is tested without anybody thinking of it.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { api, defaultProjectId, Permission, permissionsOf, projectHeader, projectRoles } from "@anneal/contracts";
import { newId, sql } from "@anneal/db";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { systemActor, tokens, users } from "@anneal/services";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnv } from "../../../apps/web/server/env.ts";
import { getArtifact } from "../../../apps/web/server/http/artifact.ts";
import { handleTrpc } from "../../../apps/web/server/http/trpc.ts";
import { putUpload } from "../../../apps/web/server/http/upload.ts";
import { createServer, type Server } from "../../../apps/web/server/process.ts";
import { repoRoot } from "../../support/paths.ts";

const host = "127.0.0.1:3299";
const other = newId();
let database: TestDatabase;
let server: Server;
let home: string;
const roles = [...projectRoles, "administrator"] as const;
type Role = (typeof roles)[number];
type State = "member" | "stranger" | "disabled" | "revoked";
const tokenOf = new Map<string, string>();
const states: State[] = ["member", "stranger", "disabled", "revoked"];

beforeAll(async () => {
  database = await createTestDatabase();
  home = mkdtempSync(join(tmpdir(), "anneal-access-"));
  server = createServer(
    readEnv({
      ...process.env,
      ANNEAL_HOME: home,
      DATABASE_URL: database.url,
      ANNEAL_PORT: "3299",
      OLLAMA_HOST: "127.0.0.1:9",
    }),
  );
  (globalThis as Record<symbol, unknown>)[Symbol.for("anneal.web.server")] = server;
  await server.db.execute(sql`insert into projects (id, name, created_by) values (${other}, 'other', 'test')`);
  for (const role of roles)
    for (const state of states) {
      const id = `${role}-${state}`;
      await server.db.execute(sql`insert into "user" (id, name, email, administrator)
        values (${id}, ${id}, ${`${id}@example.org`}, ${role === "administrator"})`);
      const projectId = state === "stranger" ? other : defaultProjectId;
      if (role !== "administrator")
        await server.db.execute(
          sql`insert into project_members (project_id, user_id, role) values (${projectId}, ${id}, ${role})`,
        );
      const context = { ...server.services, db: server.db.inProject(projectId), projectId };
      const permissions = permissionsOf({
        role: role === "administrator" ? null : role,
        administrator: role === "administrator",
      });
      const actor = { kind: "user" as const, id, name: id, permissions, userId: id };
      const made = await tokens.create(
        { ...context, actor: { ...actor, permissions: [...Permission.options] } },
        { name: id, permissions: [...Permission.options] },
      );
      tokenOf.set(id, made.token);
      const admin = { ...context, actor: systemActor };
      if (state === "disabled") await users.setDisabled(admin, { userId: id, disabled: true });
      if (state === "revoked") await tokens.revoke(admin, { tokenId: made.summary.id });
    }
});
afterAll(async () => {
  await server.close();
  await database.drop();
  rmSync(home, { recursive: true, force: true });
});

const headersOf = (role: Role, state: State) => ({
  host,
  authorization: `Bearer ${tokenOf.get(`${role}-${state}`)}`,
  ...(state === "stranger" && role !== "administrator" ? { [projectHeader]: defaultProjectId } : {}),
});
const codeIn = (text: string) => /"problem":\{"code":"([A-Z_]+)"/.exec(text)?.[1] ?? null;

/** The first that an answer says; a stream is left then. */
async function said(response: Response): Promise<string | null> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return codeIn(await response.text());
  // A refusal comes as the first event; a stream that was opened says nothing until a run changes.
  const reader = response.body?.getReader();
  const quiet = new Promise<null>((done) => setTimeout(done, 3000, null).unref());
  let text = "";
  while (!codeIn(text)) {
    const part = await Promise.race([reader?.read(), quiet]);
    if (!part || part.done) break;
    text += Buffer.from(part.value).toString();
  }
  await reader?.cancel();
  return codeIn(text);
}

const procedures = Object.entries(api).flatMap(([group, verbs]) =>
  Object.entries(verbs).map(([name, { kind, permission }]) => ({
    path: `${group}.${name}`,
    kind,
    permission: permission as Permission,
  })),
);
const call = async (path: string, kind: string, role: Role, state: State) =>
  said(
    await handleTrpc(
      new Request(`http://${host}/api/trpc/${path}`, {
        method: kind === "mutation" ? "POST" : "GET",
        headers: { ...headersOf(role, state), ...(kind === "mutation" ? { "content-type": "application/json" } : {}) },
        body: kind === "mutation" ? "{}" : undefined,
      }),
    ),
  );

describe.each(procedures)("$path", ({ path, kind, permission }) => {
  test.each(roles)("as %s", async (role) => {
    const may = permissionsOf({
      role: role === "administrator" ? null : role,
      administrator: role === "administrator",
    }).includes(permission);
    const member = await call(path, kind, role, "member");
    if (may) expect(["FORBIDDEN", "UNAUTHENTICATED", "INTERNAL"]).not.toContain(member);
    else expect(member).toBe("FORBIDDEN");
    if (role !== "administrator") expect(await call(path, kind, role, "stranger")).toBe("NOT_FOUND");
    expect(await call(path, kind, role, "disabled")).toBe("UNAUTHENTICATED");
    expect(await call(path, kind, role, "revoked")).toBe("UNAUTHENTICATED");
  });
});

const routes = {
  "api/artifacts/[id]": {
    permission: "artifacts:read",
    ask: (headers: HeadersInit) => getArtifact(new Request(`http://${host}/api/artifacts/${newId()}`, { headers })),
  },
  "api/uploads": {
    permission: "datasets:write",
    ask: (headers: HeadersInit) =>
      putUpload(new Request(`http://${host}/api/uploads?name=`, { method: "PUT", headers, body: "x" })),
  },
} as const;
// They let nobody into a project: by a secret of their own, or without one.
const open = [
  "api/auth/[...all]",
  "api/invitation",
  "api/local/password",
  "api/setup",
  "api/trpc/[trpc]",
  "api/workers/join",
  "healthz",
  "readyz",
];

test("every route is tested here, or named as one that lets nobody into a project", () => {
  const app = join(repoRoot, "apps/web/app");
  const found = readdirSync(app, { recursive: true, encoding: "utf8" }).flatMap((path) =>
    path.endsWith("/route.ts") ? [path.slice(0, -"/route.ts".length)] : [],
  );
  expect(found.sort()).toEqual([...Object.keys(routes), ...open].sort());
});
describe.each(Object.entries(routes))("%s", (_path, { permission, ask }) => {
  test.each(roles)("as %s", async (role) => {
    const may = permissionsOf({
      role: role === "administrator" ? null : role,
      administrator: role === "administrator",
    }).includes(permission);
    const answer = async (state: State) => said(await ask(headersOf(role, state)));
    if (may) expect(["FORBIDDEN", "UNAUTHENTICATED", "INTERNAL"]).not.toContain(await answer("member"));
    else expect(await answer("member")).toBe("FORBIDDEN");
    if (role !== "administrator") expect(await answer("stranger")).toBe("NOT_FOUND");
    expect(await answer("disabled")).toBe("UNAUTHENTICATED");
    expect(await answer("revoked")).toBe("UNAUTHENTICATED");
  });
});
