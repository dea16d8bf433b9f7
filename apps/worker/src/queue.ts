import { type JobName, jobCatalogue, jobNames, keyOfJob } from "@anneal/contracts";
import { sql, withdrawMessage } from "@anneal/db";
import type { EnqueueOptions, Log, Queue } from "@anneal/services";
import { fromDrizzle, PgBoss } from "pg-boss";

export interface BossQueue extends Queue {
  boss: PgBoss;
  stop(): Promise<void>;
}

/** The queue's own tables, made or brought up to date by the role that owns them; others only read and write them. */
export async function installQueue(databaseUrl: string): Promise<void> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const queue = await startQueue({ databaseUrl, log, consume: false });
  await queue.stop();
}

/** The queue over pg-boss: an insert joins the caller's drizzle transaction. */
export async function startQueue(options: { databaseUrl: string; log: Log; consume: boolean }): Promise<BossQueue> {
  const boss = new PgBoss({
    connectionString: options.databaseUrl,
    application_name: "anneal-queue",
    max: 4,
    supervise: options.consume,
    schedule: false,
    useListenNotify: options.consume,
    monitorVacuum: false,
  });
  boss.on("error", (error) => options.log.warn({ error: error.message }, "queue: the database does not answer"));
  await boss.start();
  for (const name of jobNames) await boss.createQueue(name, jobCatalogue[name].queue);
  return {
    boss,
    async enqueue(tx, name: JobName, payload, enqueueOptions: EnqueueOptions = {}) {
      const parsed = jobCatalogue[name].payload.parse(payload);
      await boss.send(name, parsed, {
        db: fromDrizzle(tx, sql),
        singletonKey: enqueueOptions.singletonKey ?? keyOfJob(name, parsed),
        ...(enqueueOptions.startAfterSeconds === undefined ? {} : { startAfter: enqueueOptions.startAfterSeconds }),
        ...(enqueueOptions.priority === undefined ? {} : { priority: enqueueOptions.priority }),
      });
    },
    withdraw: (tx, name, payload) => withdrawMessage(tx, name, keyOfJob(name, payload)),
    stop: () => boss.stop({ graceful: true, timeout: 5000 }),
  };
}
