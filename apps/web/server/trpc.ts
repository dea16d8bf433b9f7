import { type Permission, ServiceError, say } from "@anneal/contracts";
import { requirePermission, type ServiceContext } from "@anneal/services";
import { initTRPC, tracked } from "@trpc/server";
import type { z } from "zod";
import { toTrpcError } from "./errors.ts";
import type { GuardedStream } from "./open-streams.ts";

export interface RequestContext {
  services: ServiceContext;
  /** false: nobody signed in and no token came; only public procedures answer. */
  authenticated: boolean;
  /** A signal that ends with the one given, or soon after the caller's token or session no longer opens anything. */
  guardStream(signal: AbortSignal): GuardedStream;
  /** Tests switch it on: an answer that does not fit its contract is an INTERNAL error. */
  validateOutputs: boolean;
}

interface Meta {
  permission: Permission;
}

// Not exported: a procedure can be made only by the functions below, and they cannot be called without a permission.
const t = initTRPC
  .context<RequestContext>()
  .meta<Meta>()
  .create({
    errorFormatter: ({ shape, error }) => {
      const { cause } = toTrpcError(error);
      const { problem } = cause;
      return {
        ...shape,
        message: problem.message,
        data: { code: shape.data.code, httpStatus: shape.data.httpStatus, path: shape.data.path, problem },
      };
    },
    sse: {
      ping: { enabled: true, intervalMs: 10_000 },
      maxDurationMs: 15 * 60_000, // then the client comes back and shows its session or token again
      client: { reconnectAfterInactivityMs: 30_000 },
    },
  });

export const router = t.router;

/** One row of the contracts' table. Without a permission it is not one, and the build fails. */
export interface Declaration<K extends string, I extends z.ZodType, O extends z.ZodType> {
  kind: K;
  permission: Permission;
  input: I;
  output: O;
}
type Verb<I extends z.ZodType, Answer> = (ctx: ServiceContext, input: z.input<I>) => Answer;

function guarded(permission: Permission) {
  return t.procedure.meta({ permission }).use(async ({ ctx, meta, next, signal }) => {
    const needed = meta?.permission ?? permission;
    if (needed !== "public" && !ctx.authenticated)
      throw toTrpcError(
        new ServiceError("UNAUTHENTICATED", say`nobody is signed in`, {
          remedy: say`sign in, or send an API token as Authorization: Bearer anl_...`,
        }),
      );
    // The verbs ask again. A subscription is told of it inside its stream: a browser's EventSource shows no other answer.
    try {
      requirePermission(ctx.services.actor, needed);
    } catch (error) {
      throw toTrpcError(error);
    }
    const result = await next({
      ctx: { ...ctx, services: { ...ctx.services, signal: signal ?? ctx.services.signal } },
    });
    if (!result.ok) throw toTrpcError(result.error);
    return result;
  });
}

// The services parse for themselves (they are also called without HTTP); here input passes as it came, typed by the contract.
const passes =
  <I extends z.ZodType>() =>
  (value: unknown) =>
    value as z.input<I>;

function checked<O extends z.ZodType>(ctx: RequestContext, output: O, answer: z.output<O>): z.output<O> {
  return ctx.validateOutputs ? output.parse(answer) : answer;
}

const signedOut = () =>
  new ServiceError("UNAUTHENTICATED", say`the session or token was ended`, {
    remedy: say`sign in, or send an API token as Authorization: Bearer anl_...`,
  });

export function query<I extends z.ZodType, O extends z.ZodType>(
  declaration: Declaration<"query", I, O>,
  verb: Verb<I, Promise<z.output<O>>>,
) {
  return guarded(declaration.permission)
    .input(passes<I>())
    .query(async ({ ctx, input }) => checked(ctx, declaration.output, await verb(ctx.services, input as z.input<I>)));
}

export function mutation<I extends z.ZodType, O extends z.ZodType>(
  declaration: Declaration<"mutation", I, O>,
  verb: Verb<I, Promise<z.output<O>>>,
) {
  return guarded(declaration.permission)
    .input(passes<I>())
    .mutation(async ({ ctx, input }) =>
      checked(ctx, declaration.output, await verb(ctx.services, input as z.input<I>)),
    );
}

/** Every value carries `idOf` as its event id; a client that comes back names the last one and goes on behind it. */
export function subscription<I extends z.ZodType, O extends z.ZodType>(
  declaration: Declaration<"subscription", I, O>,
  verb: Verb<I, AsyncGenerator<z.output<O>>>,
  idOf: (value: z.output<O>) => string,
) {
  return guarded(declaration.permission)
    .input(passes<I>())
    .subscription(async function* ({ ctx, input }) {
      const asked = ctx.services.signal ?? new AbortController().signal;
      const { signal, release } = ctx.guardStream(asked);
      try {
        for await (const value of verb({ ...ctx.services, signal }, input as z.input<I>)) {
          if (signal.aborted) break;
          yield tracked(idOf(value), checked(ctx, declaration.output, value));
        }
        // The client comes back, shows what it has, and is refused.
        if (signal.aborted && !asked.aborted) throw signedOut();
      } catch (error) {
        throw toTrpcError(error);
      } finally {
        release();
      }
    });
}
