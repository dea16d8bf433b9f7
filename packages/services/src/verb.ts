import { type Actor, issueProblem, type Permission, ServiceError, say } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import type { z } from "zod";
import type { ServiceContext } from "./context.ts";

interface Declaration<I extends z.ZodType, O extends z.ZodType> {
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

/** A verb of the contracts' table: permission, then parse, then the work. */
export function verb<I extends z.ZodType, O extends z.ZodType>(
  declaration: Declaration<I, O>,
  work: (ctx: ServiceContext, input: z.output<I>) => Promise<z.output<O>>,
): (ctx: ServiceContext, input: z.input<I>) => Promise<z.output<O>> {
  return async (ctx, input) => {
    requirePermission(ctx.actor, declaration.permission);
    return work(ctx, parseInput(declaration.input, input));
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
  ctx: Pick<ServiceContext, "actor" | "now"> & { projectId?: string | null },
  action: string,
  subject: string,
  details: Record<string, unknown> = {},
): Promise<void> {
  await tx.insert(schema.audit).values({
    projectId: ctx.projectId ?? null,
    time: ctx.now(),
    actorKind: ctx.actor.kind,
    actorId: ctx.actor.id,
    actorName: ctx.actor.name,
    action,
    subject,
    details,
  });
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
