import { useAddon as nameAddon, probeSpeed, type TrainingSpec } from "@anneal/engine";

// Forked by engine-port.ts: times one step on the real model, answers once and is ended.
interface Question {
  addon: string | null;
  settings: TrainingSpec;
  sequenceTokens?: number;
}

process.once("disconnect", () => process.exit(0)); // the worker is gone; nobody waits for the answer
process.once("message", async ({ addon, settings, sequenceTokens }: Question) => {
  try {
    if (addon) nameAddon(addon);
    process.send?.(await probeSpeed(settings, sequenceTokens));
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.message : String(error) });
  }
});
