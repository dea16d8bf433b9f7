import type { DeploymentStatus } from "@anneal/contracts";
import { isOllamaError, type PublishProgress, publish, rollback } from "@anneal/ollama";
import { deployments } from "@anneal/services";
import { isDatabaseAway, untilStored } from "../database-retry.ts";
import { problemOf } from "../problem.ts";
import type { WorkerContext } from "../worker-context.ts";
import { fileToPublish } from "./file-to-publish.ts";
import { publishOptions } from "./publish-options.ts";

const { finishRollback, renewDeployment, updateDeployment } = deployments.execution;
type Taken = NonNullable<Awaited<ReturnType<typeof deployments.execution.claimDeployment>>>;
type Changes = Parameters<typeof updateDeployment>[2];

const tellEveryMilliseconds = 500;

/**
 * Publishes (or rolls back) a deployment that is ours. Its row always ends in a status with the cause and the remedy; an
 * abort leaves it "publishing" for whoever comes next. Throws STALE_ATTEMPT when another publisher has taken it.
 */
export async function publishClaimed(
  context: WorkerContext,
  { claim, row }: Taken,
  signal: AbortSignal,
): Promise<DeploymentStatus> {
  const { services, env, log, ollama } = context;
  const write = (changes: Changes) => updateDeployment(services, claim, changes, env.leaseSeconds);
  const finish = (changes: Changes) =>
    untilStored(() => write(changes), { log, what: `deployment ${row.id}: end` }).then(({ status }) => status);
  const stop = new AbortController();
  const abort = () => stop.abort();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  // The database away: the next write tells it. Taken over: the newer publisher goes on, we stop.
  const onError = (error: unknown) => {
    if (!isDatabaseAway(error)) stop.abort(error);
  };
  const teller = new Teller(write, onError);
  const renew = () => void renewDeployment(services, claim, env.leaseSeconds).catch(onError);
  const renewal = setInterval(renew, (env.leaseSeconds * 1000) / 4);
  try {
    if (row.action === "rollback") {
      await teller.tell({ phase: "activate", fraction: 0 });
      const result = await rollback(ollama, row.name, row.previousDigest ?? "", { signal: stop.signal });
      await teller.rest();
      await untilStored(() => finishRollback(services, claim, result), { log, what: `deployment ${row.id}: rollback` });
      return "rolled_back";
    }
    const file = await fileToPublish(context, row, (phase, fraction) => teller.tell({ phase, fraction }), stop.signal);
    await teller.tell({ artifactId: file.id, phase: "hash", fraction: 0 });
    const result = await publish(await publishOptions(context, row, file.path), {
      client: ollama,
      signal: stop.signal,
      onProgress: ({ phase, fraction, etaSeconds }: PublishProgress) => teller.tell({ phase, fraction, etaSeconds }),
    });
    await teller.rest();
    log.info({ deploymentId: row.id, name: row.name, digest: result.digest }, "published");
    return await finish({
      status: "live",
      phase: "done",
      fraction: 1,
      etaSeconds: 0,
      ollamaDigest: result.digest,
      previousDigest: result.previousDigest,
      problem: null,
    });
  } catch (error) {
    await teller.rest();
    if (signal.aborted) return "publishing";
    if (stop.signal.aborted && stop.signal.reason instanceof Error) throw stop.signal.reason;
    log.warn({ deploymentId: row.id, name: row.name, error: String(error) }, "publication failed");
    // Ollama changes a name in one step: a rollback that failed has left what was live.
    if (row.action === "rollback")
      return await finish({
        status: "live",
        etaSeconds: null,
        problem: problemOf(error),
        finishedAt: row.finishedAt,
      });
    const away = isOllamaError(error) && error.transient;
    return await finish({ status: away ? "unreachable" : "failed", etaSeconds: null, problem: problemOf(error) });
  } finally {
    clearInterval(renewal);
    signal.removeEventListener("abort", abort);
  }
}

/** Writes progress one after the other, at most twice a second, the newest only. */
class Teller {
  private waiting: Changes | null = null;
  private busy: Promise<void> | null = null;

  constructor(
    private readonly write: (changes: Changes) => Promise<unknown>,
    private readonly onError: (error: unknown) => void,
  ) {}

  tell(changes: Changes): Promise<void> {
    this.waiting = { ...this.waiting, ...changes };
    this.busy ??= this.run().finally(() => {
      this.busy = null;
    });
    return this.busy;
  }

  private async run(): Promise<void> {
    while (this.waiting) {
      const changes = this.waiting;
      this.waiting = null;
      await this.write(changes).catch(this.onError);
      if (this.waiting) await new Promise((resolve) => setTimeout(resolve, tellEveryMilliseconds));
    }
  }

  /** Nothing more is on its way afterwards. */
  async rest(): Promise<void> {
    this.waiting = null;
    await this.busy;
  }
}
