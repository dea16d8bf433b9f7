import { awaitNative, callNative, type NativeSession } from "./native.ts";
import type { Session, TrainingSpec } from "./types/index.ts";

function wrapSession(session: NativeSession): Session {
  const info = session.info();
  const plan = session.plan();
  return {
    info,
    plan,
    step: (request) => awaitNative(() => session.step(request)),
    evaluate: (microBatches, options = {}) => awaitNative(() => session.evaluate(microBatches, options)),
    logits: (microBatch, positions) => awaitNative(() => session.logits(microBatch, positions)),
    bestTokens: (microBatch, k) => awaitNative(() => session.bestTokens(microBatch, k)),
    gradients: (microBatches, { lossOnly = false } = {}) =>
      awaitNative(() => session.gradients(microBatches, { lossOnly })),
    measure: (microBatches) => awaitNative(() => session.measure(microBatches)),
    scores: (microBatch, options = {}) => awaitNative(() => session.scores(microBatch, options)),
    weights: (name) => awaitNative(() => session.weights(name)),
    trainableNames: () => callNative(() => session.trainableNames()),
    generate: (request) => awaitNative(() => session.generate(request)),
    saveState: (path) => awaitNative(() => session.saveState(path)),
    loadState: (path) => awaitNative(() => session.loadState(path)),
    exportAdapter: (dir, options = {}) => awaitNative(() => session.exportAdapter(dir, options)),
    exportMerged: (dir, options = {}) => awaitNative(() => session.exportMerged(dir, options)),
    exportGguf: (path, options) => awaitNative(() => session.exportGguf(path, options)),
    requestStop: () => session.requestStop(),
    clearStop: () => session.clearStop(),
    releaseIdleMemory: () => awaitNative(() => session.releaseIdleMemory()),
    memory: () => callNative(() => session.memory()),
    close: () => awaitNative(() => session.close()),
  };
}

/** Loads the base model, plans and takes its memory, and starts the session's thread. Close it to free the memory. */
export async function openSession(spec: TrainingSpec): Promise<Session> {
  return wrapSession(await awaitNative(() => callNative((engine) => engine.openSession(spec))));
}
