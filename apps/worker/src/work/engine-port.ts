import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import * as engine from "@anneal/engine";
import type { EnginePort, SpeedProbe, TrainingSettings } from "@anneal/services";
import { z } from "zod";
import { withoutDatabase } from "../env.ts";

const Answer = z.union([
  z.object({
    secondsPerStep: z.number().positive(),
    slowestSecondsPerStep: z.number().positive(),
    secondsPerNewToken: z.number().nonnegative().nullable(),
    loadSeconds: z.number().nonnegative(),
  }),
  z.object({ error: z.string() }),
]);
const probeSeconds = 120;

// In a process of its own: it loads a whole model, and a crash or an out-of-memory kill must not take the worker along.
function probeInChild(bundle: string, addon: string | null, settings: TrainingSettings, sequenceTokens?: number) {
  return new Promise<SpeedProbe>((resolve, reject) => {
    const child = fork(bundle, [], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [],
      env: withoutDatabase(),
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), probeSeconds * 1000);
    child.once("message", (message) => {
      const answer = Answer.safeParse(message);
      if (!answer.success) reject(new Error("the speed probe gave no answer that fits"));
      else if ("error" in answer.data) reject(new Error(answer.data.error));
      else resolve(answer.data);
      child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the speed probe ended with ${code ?? signal}`));
    });
    child.send({ addon, settings, sequenceTokens });
  });
}

/** The engine for planning: headers and sums in this process, the timed probe in a child. */
export function createEnginePort(addon: string | null, probeBundle: string): EnginePort {
  if (addon) engine.useAddon(addon);
  const port: EnginePort = {
    engineInfo: engine.engineInfo,
    inspectModel: engine.inspectModel,
    inspectAdapter: engine.inspectAdapter,
    planTraining: engine.planTraining,
    readGgufMetadata: engine.readGgufMetadata,
  };
  if (!existsSync(probeBundle)) return port;
  return {
    ...port,
    probeSpeed: (settings, sequenceTokens) => probeInChild(probeBundle, addon, settings, sequenceTokens),
  };
}
