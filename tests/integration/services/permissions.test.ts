import { api, Permission } from "@anneal/contracts";
import {
  artifacts,
  auditing,
  dataJobs,
  datasets,
  deployments,
  models,
  projects,
  runs,
  type ServiceContext,
  system,
  teacherFiles,
  tokens,
  users,
  workers,
} from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, openWorld, problemOf, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

type AnyVerb = (ctx: ServiceContext, input: never) => Promise<unknown> | AsyncGenerator<unknown>;
const services: Record<string, Record<string, unknown>> = {
  jobs: dataJobs,
  workers,
  projects,
  users,
  datasets,
  models,
  runs,
  artifacts,
  deployments,
  teacherFiles,
  system: {
    ...system,
    tokens: tokens.list,
    createToken: tokens.create,
    revokeToken: tokens.revoke,
    audit: system.auditTrail,
    auditHead: auditing.head,
    verifyAudit: auditing.verify,
  },
};
const table = Object.entries(api).flatMap(([group, procedures]) =>
  Object.entries(procedures).map(([name, { permission }]) => ({ group, name, permission: permission as Permission })),
);

// A verb refuses at the call (streams) or with its promise.
const call = async (ctx: ServiceContext, group: string, name: string) => {
  const verb = services[group]?.[name] as AnyVerb;
  return verb(ctx, {} as never);
};

test("the table of the contracts is complete", () => {
  expect(table.length).toBeGreaterThan(40);
  for (const { group, name } of table) expect(services[group]?.[name], `${group}.${name}`).toBeTypeOf("function");
});

test.each(table)(
  "$group.$name refuses whoever lacks $permission, before looking at the input",
  async ({ group, name, permission }) => {
    const others = Permission.options.filter((other) => other !== permission && other !== "public");
    expect(await problemOf(call(world.as(), group, name))).toMatchObject({ code: "FORBIDDEN" });
    const problem = await problemOf(call(world.as(...others), group, name));
    expect(problem).toMatchObject({ code: "FORBIDDEN", message: expect.stringContaining(permission) });
  },
);

test("uploading needs the permission to write datasets", async () => {
  const upload = datasets.receiveUpload(world.as("datasets:read"), { fileName: "a.csv", body: bodyOf("x") });
  expect(await problemOf(upload)).toMatchObject({ code: "FORBIDDEN" });
});
