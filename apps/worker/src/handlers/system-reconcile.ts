import { say, told } from "@anneal/contracts";
import { isOllamaError, reconcile } from "@anneal/ollama";
import { datasets, deployments, forgetOldWorkers, storage, teacherFiles, tendJobs } from "@anneal/services";
import { clearRequests } from "@anneal/services/worker";
import { clearUnusedShards } from "../shard-cache.ts";
import type { WorkerContext } from "../worker-context.ts";

/** Repairs what crashes and other people leave: lost messages, drift in Ollama, uploads nobody committed. */
export async function reconcileSystem(context: WorkerContext): Promise<void> {
  const { services, log } = context;
  await tendJobs(services, context.store);
  await forgetOldWorkers(services);
  await clearRequests(services);
  const lost = await teacherFiles.clearLost(services);
  if (lost > 0) log.info({ lost }, "removed teacher files whose dataset is gone");
  const { removed } = await datasets.clearExpired(services);
  const shards = clearUnusedShards(services.paths.shards, services.now());
  if (shards > 0) log.info({ shards }, "removed token shards that no run has used for a month");
  const adopted = await storage.adoptFiles(services);
  if (adopted > 0) log.info({ adopted }, "brought files from before there was a store into it");
  const { deleted } = await storage.clearStore(services);
  if (deleted > 0) log.info({ deleted }, "removed objects of the store that nothing names any more");
  if (removed > 0) log.info({ removed }, "removed files that nobody waits for any more");
  await compareWithOllama(context);
}

async function compareWithOllama({ services, ollama, log }: WorkerContext): Promise<void> {
  const expected = await deployments.execution.liveDeployments(services);
  if (expected.length === 0) return;
  try {
    const report = await reconcile(ollama, expected);
    for (const { id } of report.present) await deployments.execution.markDrift(services, id, "live", null);
    for (const { id, name, found } of report.drifted)
      await deployments.execution.markDrift(services, id, "drifted", {
        code: "CONFLICT",
        field: null,
        ...told({
          message: say`${name} in Ollama is no longer what was published (it is ${found.slice(0, 12)})`,
          remedy: say`publish again, or leave it to whoever wrote that name`,
        }),
      });
    for (const { id, name } of report.missing)
      await deployments.execution.markDrift(services, id, "drifted", {
        code: "NOT_FOUND",
        field: null,
        ...told({
          message: say`${name} is gone from Ollama`,
          remedy: say`publish again; the file is kept`,
        }),
      });
  } catch (error) {
    // Nothing is known while it does not answer; the next round looks again.
    if (!isOllamaError(error)) throw error;
    log.warn({ error: error.message }, "could not compare with Ollama");
  }
}
