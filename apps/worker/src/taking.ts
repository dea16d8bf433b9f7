import { channels } from "@anneal/db";
import { workers } from "@anneal/services";
import { isDatabaseAway } from "./database-retry.ts";
import { consume } from "./handlers/consume.ts";
import { startAnswering } from "./work/answering.ts";
import type { WorkerContext } from "./worker-context.ts";

const lookMilliseconds = 5000; // a notification may be lost with its connection

/** One stretch of taking jobs; its end hands back what is in hand, or lets it finish. */
async function begin(context: WorkerContext) {
  const leave = new AbortController();
  const handlers = await consume({ ...context, leaving: leave.signal });
  return {
    /** Takes no more jobs; those in hand go on to their end. */
    finish: () => handlers.idle(),
    handBack() {
      leave.abort();
      return handlers.idle();
    },
  };
}

/**
 * Takes jobs as long as an administrator lets it: a cordoned worker takes no new ones, a drained one hands back what it has. The
 * console's questions are answered until it is drained.
 */
export async function startTaking(context: WorkerContext) {
  const { services, workerId, env, log } = context;
  const answer = () => startAnswering({ services, workerId, roles: env.roles, leaseSeconds: env.leaseSeconds, log });
  let jobs: Awaited<ReturnType<typeof begin>> | null = await begin(context);
  let answering: ReturnType<typeof answer> | null = answer();
  let ending: { handBack(): Promise<void> } | null = null; // cordoned: its last jobs, which a drain hands back
  let stopped = false;
  let turn: Promise<void> = Promise.resolve();

  async function apply(): Promise<void> {
    const { cordoned, drained } = await workers.standing(services, workerId);
    if (stopped) return;
    if (cordoned && jobs) {
      log.info({ drained }, "cordoned: taking no new jobs");
      ending = jobs;
      void jobs.finish();
      jobs = null;
    }
    if (drained) {
      const last = ending;
      ending = null;
      await Promise.all([last?.handBack(), answering?.stop()]);
      if (answering) log.info({}, "drained: everything is handed back");
      answering = null;
    }
    if (!cordoned && !jobs) {
      log.info({}, "taking jobs again");
      ending = null;
      jobs = await begin(context);
      answering ??= answer();
    }
  }
  const look = () => {
    turn = turn.then(apply).catch((error: unknown) => {
      if (!isDatabaseAway(error)) log.error({ error }, "could not follow what was asked of this worker");
    });
  };
  const unsubscribe = services.listener.subscribe(channels.worker, (id) => {
    if (id === null || id === workerId) look();
  });
  const timer = setInterval(look, lookMilliseconds);

  return {
    async stop(): Promise<void> {
      stopped = true;
      unsubscribe();
      clearInterval(timer);
      await turn;
      await Promise.all([jobs?.handBack(), ending?.handBack(), answering?.stop()]);
    },
  };
}
