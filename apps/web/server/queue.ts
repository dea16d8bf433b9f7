import { type JobName, jobCatalogue, jobNames, keyOfJob } from "@anneal/contracts";
import { sql, withdrawMessage } from "@anneal/db";
import type { EnqueueOptions, Log, Queue } from "@anneal/services";
import { fromDrizzle, PgBoss } from "pg-boss";

export interface SendingQueue extends Queue {
  stop(): Promise<void>;
}

async function start(url: string, log: Log): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString: url,
    application_name: "anneal-web-queue",
    max: 2,
    supervise: false,
    schedule: false,
    useListenNotify: false,
    monitorVacuum: false,
  });
  boss.on("error", (error) => log.warn({ error: error.message }, "queue: the database does not answer"));
  await boss.start();
  for (const name of jobNames) await boss.createQueue(name, jobCatalogue[name].queue);
  return boss;
}

/** Sends only; workers take. Started at the first message, so that pages answer while the queue cannot. */
export function createSendingQueue(url: string, log: Log): SendingQueue {
  let started: Promise<PgBoss> | null = null;
  const boss = (): Promise<PgBoss> => {
    started ??= start(url, log).catch((error: unknown) => {
      started = null;
      throw error;
    });
    return started;
  };
  return {
    async enqueue(tx, name: JobName, payload, options: EnqueueOptions = {}) {
      const parsed = jobCatalogue[name].payload.parse(payload);
      await (await boss()).send(name, parsed, {
        db: fromDrizzle(tx, sql),
        singletonKey: options.singletonKey ?? keyOfJob(name, parsed),
        // pg-boss refuses options that are there but undefined.
        ...(options.startAfterSeconds === undefined ? {} : { startAfter: options.startAfterSeconds }),
        ...(options.priority === undefined ? {} : { priority: options.priority }),
      });
    },
    withdraw: (tx, name, payload) => withdrawMessage(tx, name, keyOfJob(name, payload)),
    async stop() {
      if (started) await (await started).stop({ graceful: false });
    },
  };
}
