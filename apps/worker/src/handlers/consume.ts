import { type JobName, type JobPayload, jobCatalogue } from "@anneal/contracts";
import { storableText } from "@anneal/db";
import type { WorkerContext } from "../worker-context.ts";
import { publishDeployment } from "./deployment-publish.ts";
import { advanceRun } from "./run-advance.ts";
import { reconcileSystem } from "./system-reconcile.ts";
import { makeTeacher } from "./teacher-make.ts";

type Handlers = { [N in JobName]: (context: WorkerContext, payload: JobPayload<N>) => Promise<void> };
const handlers: Handlers = {
  "run.advance": (context, { runId }) => advanceRun(context, runId),
  "deployment.publish": (context, { deploymentId }) => publishDeployment(context, deploymentId),
  "teacher.make": (context, { teacherFileId }) => makeTeacher(context, teacherFileId),
  "system.reconcile": (context) => reconcileSystem(context),
};

/** Takes jobs of this worker's roles, one of a kind at a time. `idle` stops taking and waits for those in hand. */
export async function consume(context: WorkerContext): Promise<{ idle(): Promise<void> }> {
  const { queue, env, log } = context;
  const inHand = new Set<Promise<void>>();
  const taken: JobName[] = [];
  for (const name of Object.keys(handlers) as JobName[]) {
    if (!env.roles.includes(jobCatalogue[name].role)) continue;
    taken.push(name);
    // The row is claimed by the handler, so a message that is lost, late or doubled does no harm.
    const options = { batchSize: 1, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 5 };
    const worker = await queue.boss.work<unknown>(name, options, async (jobs) => {
      for (const job of jobs) {
        if (context.leaving.aborted) return; // the heartbeat of another worker sends it again
        const work = handle(context, name, job.data).catch((error: unknown) => {
          log.error({ job: name, data: job.data, error }, "job failed");
          // pg-boss keeps what is thrown, in a column of its own: a text that it cannot store would leave the job in hand.
          throw new Error(storableText(error instanceof Error ? error.message : String(error)));
        });
        inHand.add(work);
        await work.finally(() => {
          inHand.delete(work);
          // The next one at once, until there are no more; without it pg-boss waits out its interval after a short job.
          queue.boss.notifyWorker(worker);
        });
      }
    });
  }
  return {
    async idle() {
      // Not waited for here: a job in hand ends by itself, and pg-boss must not give it up meanwhile.
      const stopping = Promise.allSettled(taken.map((name) => queue.boss.offWork(name)));
      await Promise.allSettled([...inHand]);
      await stopping;
    },
  };
}

async function handle<N extends JobName>(context: WorkerContext, name: N, data: unknown): Promise<void> {
  const payload = jobCatalogue[name].payload.parse(data) as JobPayload<N>;
  await handlers[name](context, payload);
}
