import {
  type Problem,
  ServiceError,
  say,
  type WorkKind,
  type WorkProgress,
  workCatalogue,
  workKinds,
} from "@anneal/contracts";
import { channels } from "@anneal/db";
import type { Log, WorkContext } from "@anneal/services";
import {
  answer,
  claimRequest,
  endRequest,
  type RequestEnd,
  renewRequest,
  type WorkRequest,
} from "@anneal/services/worker";
import { isDatabaseAway } from "../database-retry.ts";

export interface AnsweringOptions {
  services: WorkContext;
  workerId: string;
  roles: readonly string[];
  leaseSeconds: number;
  log: Log;
}

const lookMilliseconds = 1000; // a notification may be lost with its connection
const progressMilliseconds = 250;

/** Answers work requests of a worker's roles until it is told to leave: woken by notifications, some of each kind at once. */
export function startAnswering({ services, workerId, roles, leaseSeconds, log }: AnsweringOptions) {
  const kinds = workKinds.filter((kind) => roles.includes(workCatalogue[kind].role));
  const inHand = new Map<string, { kind: WorkKind; stop: AbortController; ended: Promise<void> }>();
  let leaving = false;
  let looking: Promise<void> | null = null;
  let again = false;

  const free = () =>
    kinds.filter((kind) => [...inHand.values()].filter((one) => one.kind === kind).length < workCatalogue[kind].atOnce);

  async function takeAll(): Promise<void> {
    do {
      again = false;
      for (;;) {
        const request = leaving ? null : await claimRequest(services, free(), { workerId, leaseSeconds });
        if (!request) break;
        const stop = new AbortController();
        const ended = work(request, stop)
          .catch((error: unknown) => log.error({ error, kind: request.kind }, "a work request could not be ended"))
          .finally(() => {
            inHand.delete(request.id);
            look();
          });
        inHand.set(request.id, { kind: request.kind, stop, ended });
      }
    } while (again);
  }

  function look(): void {
    again = true;
    if (looking || leaving) return;
    looking = takeAll()
      .catch((error: unknown) => {
        if (isDatabaseAway(error)) log.warn({ error: String(error) }, "work requests: the database is away");
        else log.error({ error }, "work requests could not be taken");
      })
      .finally(() => {
        looking = null;
      });
  }

  async function work(request: WorkRequest, stop: AbortController): Promise<void> {
    const { kind } = request;
    let progress: WorkProgress | null = null;
    let stored: WorkProgress | null = null;
    let lost = false;
    let late = false;
    const renew = async () => {
      const news = progress === stored ? null : progress;
      stored = progress;
      const then = await renewRequest(services, request, leaseSeconds, news);
      lost ||= then === "lost";
      if (then !== "go on") stop.abort();
    };
    // The lease is prolonged by a quarter; progress is told sooner, where there is any.
    let renewedAt = performance.now();
    const timer = setInterval(() => {
      const due = performance.now() - renewedAt > leaseSeconds * 250;
      if (!due && progress === stored) return;
      renewedAt = performance.now();
      renew().catch((error: unknown) =>
        log.warn({ error: String(error), kind }, "a work request's lease was not renewed"),
      );
    }, progressMilliseconds);
    const limit = setTimeout(() => {
      late = true;
      stop.abort();
    }, workCatalogue[kind].runSeconds * 1000);
    const onControl = () => void renew().catch(() => undefined); // the timer says why
    const unsubscribe = services.listener.subscribe(channels.work, (payload) => payload === request.id && onControl());
    let end: RequestEnd;
    try {
      const input = workCatalogue[kind].input.parse(request.input);
      const { actor, projectId } = request;
      const db = projectId ? services.db.inProject(projectId) : services.db;
      const context = { ...services, workerId, db, projectId, actor, signal: stop.signal };
      const output = await answer(context, kind, input as never, (news) => {
        progress = news;
      });
      end = { status: "done", output };
    } catch (error) {
      if (leaving) end = { status: "waiting" };
      else if (late) end = { status: "failed", problem: tookTooLong(kind).problem };
      else if (stop.signal.aborted) end = { status: "cancelled" };
      else end = { status: "failed", problem: problemOf(error, kind, log) };
    } finally {
      clearInterval(timer);
      clearTimeout(limit);
      unsubscribe();
    }
    if (!lost) await endRequest(services, request, end);
  }

  const unsubscribe = services.listener.subscribe(channels.work, (payload) => {
    if (payload === null || kinds.some((kind) => kind === payload)) look();
  });
  const timer = setInterval(look, lookMilliseconds);
  look();

  return {
    /** Takes nothing more, and hands back what is in hand. */
    async stop(): Promise<void> {
      leaving = true;
      clearInterval(timer);
      unsubscribe();
      for (const { stop } of inHand.values()) stop.abort();
      await looking;
      await Promise.all([...inHand.values()].map(({ ended }) => ended));
    },
  };
}

/** A refusal as it is; of anything else the log has the text, which may name what the caller must not see. */
function problemOf(error: unknown, kind: WorkKind, log: Log): Problem {
  if (error instanceof ServiceError && error.code !== "INTERNAL") return error.problem;
  log.error({ error, kind }, "work failed");
  if (error instanceof ServiceError) return error.problem;
  const failed = say`the worker failed at this; its log says why`;
  return new ServiceError("INTERNAL", failed, { remedy: say`look into the worker's log` }).problem;
}

const tookTooLong = (kind: WorkKind) =>
  new ServiceError("UNAVAILABLE", say`the worker gave up after ${workCatalogue[kind].runSeconds} s`, {
    remedy: say`try it with less data, or look into the worker's log`,
  });
