import { api } from "@anneal/contracts";
import { artifacts, datasets, deployments, models, runs, system, teacherFiles, tokens } from "@anneal/services";
import { mutation, query, router, subscription } from "./trpc.ts";

// The table of procedures: a row of the contract, and the verb that does it.
export const appRouter = router({
  datasets: router({
    list: query(api.datasets.list, datasets.list),
    get: query(api.datasets.get, datasets.get),
    inspect: mutation(api.datasets.inspect, datasets.inspect),
    importPath: mutation(api.datasets.importPath, datasets.importPath),
    commit: mutation(api.datasets.commit, datasets.commit),
    rows: query(api.datasets.rows, datasets.rows),
    check: query(api.datasets.check, datasets.check),
    remove: mutation(api.datasets.remove, datasets.remove),
  }),
  models: router({
    list: query(api.models.list, models.list),
    inspect: query(api.models.inspect, models.inspect),
    register: mutation(api.models.register, models.register),
    remove: mutation(api.models.remove, models.remove),
  }),
  runs: router({
    presets: query(api.runs.presets, runs.presets),
    plan: query(api.runs.plan, runs.plan),
    create: mutation(api.runs.create, runs.create),
    list: query(api.runs.list, runs.list),
    get: query(api.runs.get, runs.get),
    cancel: mutation(api.runs.cancel, runs.cancel),
    pause: mutation(api.runs.pause, runs.pause),
    resume: mutation(api.runs.resume, runs.resume),
    saveCheckpoint: mutation(api.runs.saveCheckpoint, runs.saveCheckpoint),
    remove: mutation(api.runs.remove, runs.remove),
    metrics: query(api.runs.metrics, runs.metrics),
    events: query(api.runs.events, runs.events),
    samples: query(api.runs.samples, runs.samples),
    checkpoints: query(api.runs.checkpoints, runs.checkpoints),
    watch: subscription(api.runs.watch, runs.watch, (event) => String(event.seq)),
    watchAll: subscription(api.runs.watchAll, runs.watchAll, (run) => run.id),
  }),
  artifacts: router({
    list: query(api.artifacts.list, artifacts.list),
    get: query(api.artifacts.get, artifacts.get),
  }),
  deployments: router({
    list: query(api.deployments.list, deployments.list),
    publish: mutation(api.deployments.publish, deployments.publish),
    retry: mutation(api.deployments.retry, deployments.retry),
    rollback: mutation(api.deployments.rollback, deployments.rollback),
  }),
  teacherFiles: router({
    list: query(api.teacherFiles.list, teacherFiles.list),
    get: query(api.teacherFiles.get, teacherFiles.get),
    make: mutation(api.teacherFiles.make, teacherFiles.make),
    retry: mutation(api.teacherFiles.retry, teacherFiles.retry),
    remove: mutation(api.teacherFiles.remove, teacherFiles.remove),
  }),
  system: router({
    status: query(api.system.status, system.status),
    doctor: query(api.system.doctor, system.doctor),
    ollama: query(api.system.ollama, system.ollama),
    tokens: query(api.system.tokens, tokens.list),
    createToken: mutation(api.system.createToken, tokens.create),
    revokeToken: mutation(api.system.revokeToken, tokens.revoke),
    audit: query(api.system.audit, system.auditTrail),
  }),
});
export type AppRouter = typeof appRouter;
