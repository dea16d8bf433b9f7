import { type Actor, api, issueProblem, type Permission, ServiceError, say } from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import type { z } from "zod";
import { rowMac } from "./audit-trail/canonical.ts";
import { auditKey } from "./audit-trail/key.ts";
import { sealTrail } from "./audit-trail/seal.ts";
import type { ServiceContext } from "./context.ts";

interface Declaration<I extends z.ZodType, O extends z.ZodType> {
  kind?: string;
  permission: Permission;
  input: I;
  output: O;
}

export function requirePermission(actor: Actor, permission: Permission): void {
  if (permission === "public" || actor.permissions.includes(permission)) return;
  throw new ServiceError("FORBIDDEN", say`${actor.name} lacks the permission ${permission}`, {
    remedy: say`ask an administrator for it, or use a token that has it`,
  });
}

/** zod's first complaint as a Problem that names the field. */
export function parseInput<T extends z.ZodType>(type: T, input: unknown): z.output<T> {
  const parsed = type.safeParse(input);
  if (parsed.success) return parsed.data;
  const details = {
    issues: parsed.error.issues.map((issue) => {
      const { field = "" } = issueProblem(issue);
      return { path: field, message: issue.message };
    }),
  };
  const [issue] = parsed.error.issues;
  if (!issue) throw new ServiceError("INVALID_INPUT", say`the input is not valid`, { details });
  const { message, ...where } = issueProblem(issue);
  throw new ServiceError("INVALID_INPUT", message, { ...where, details });
}

const paths = new Map<unknown, string>(
  Object.entries(api).flatMap(([group, verbs]) =>
    Object.entries(verbs).map(([name, declaration]): [unknown, string] => [declaration, `${group}.${name}`]),
  ),
);

// A change that told nothing of itself is told all the same: by its procedure's name and the id that it was given.
async function tellChange(ctx: ServiceContext, path: string, input: unknown): Promise<void> {
  const given = typeof input === "object" && input !== null ? Object.entries(input) : [];
  const [, subject] = given.find(([name, value]) => /(^i|I)d$/.test(name) && typeof value === "string") ?? [];
  await ctx.db.transaction((tx) => audit(tx, ctx, path, typeof subject === "string" ? subject : path));
}

/**
 * A verb of the contracts' table: permission, then parse, then the work. What changes something is in the audit trail when it
 * answers, and has its link in the trail's chain.
 */
export function verb<I extends z.ZodType, O extends z.ZodType>(
  declaration: Declaration<I, O>,
  work: (ctx: ServiceContext, input: z.output<I>) => Promise<z.output<O>>,
): (ctx: ServiceContext, input: z.input<I>) => Promise<z.output<O>> {
  const path = paths.get(declaration);
  const changes = declaration.kind === "mutation";
  return async (caller, input) => {
    requirePermission(caller.actor, declaration.permission);
    const parsed = parseInput(declaration.input, input);
    if (!changes || !path) return work(caller, parsed);
    const ctx = { ...caller, told: { rows: 0 } };
    const answer = await work(ctx, parsed);
    if (ctx.told.rows === 0) await tellChange(ctx, path, parsed);
    // What could not be linked now (the database went away) is linked with the next.
    await sealTrail(caller.db).catch((error: unknown) => {
      caller.log.warn({ error: String(error) }, "the audit trail's chain could not be continued");
    });
    return answer;
  };
}

/** The same for subscriptions: an async generator that ends with ctx.signal. */
export function streamVerb<I extends z.ZodType, O extends z.ZodType>(
  declaration: Declaration<I, O>,
  work: (ctx: ServiceContext, input: z.output<I>) => AsyncGenerator<z.output<O>>,
): (ctx: ServiceContext, input: z.input<I>) => AsyncGenerator<z.output<O>> {
  return (ctx, input) => {
    requirePermission(ctx.actor, declaration.permission);
    return work(ctx, parseInput(declaration.input, input));
  };
}

/** One row of the audit trail, in the transaction of the change it tells of. */
export async function audit(
  tx: Transaction,
  ctx: Pick<ServiceContext, "actor" | "now" | "told"> & { projectId?: string | null },
  action: string,
  subject: string,
  details: Record<string, unknown> = {},
): Promise<void> {
  const { actor } = ctx;
  const row = {
    id: newId(),
    projectId: ctx.projectId ?? null,
    time: ctx.now(),
    actorKind: actor.kind,
    actorId: actor.id,
    actorName: actor.name,
    action,
    subject,
    details,
  };
  const held = auditKey();
  await tx.insert(schema.audit).values({ ...row, mac: held && rowMac(held.key, row) });
  if (ctx.told) ctx.told.rows += 1;
}

const subjects = {
  account: [say`account`, say`accounts`],
  artifact: [say`artifact`, say`artifacts`],
  checkpoint: [say`checkpoint`, say`checkpoints`],
  dataset: [say`dataset`, say`datasets`],
  "dataset version": [say`dataset version`, say`dataset versions`],
  deployment: [say`deployment`, say`deployments`],
  invitation: [say`invitation`, say`invitations`],
  model: [say`model`, say`models`],
  project: [say`project`, say`projects`],
  run: [say`run`, say`runs`],
  "teacher file": [say`teacher file`, say`teacher files`],
  token: [say`token`, say`tokens`],
};

export function notFound(what: keyof typeof subjects, id: string): ServiceError {
  const [one, all] = subjects[what];
  return new ServiceError("NOT_FOUND", say`there is no ${one} ${id}`, {
    remedy: say`list the ${all} and choose one`,
  });
}
