import { type FromTrainer, ServiceError, say, type TrainerStart, wordsOf } from "@anneal/contracts";
import { startTrainer } from "./trainer-process.ts";

type Exported = Extract<FromTrainer, { type: "exported" }>["files"];

/** Has a trainer child export one checkpoint to GGUF files; killed when `signal` aborts. */
export async function exportFiles(start: TrainerStart, trainer: string | null, signal: AbortSignal): Promise<Exported> {
  let files: Exported | null = null;
  let fault: Error | null = null;
  const child = startTrainer({
    start,
    trainer,
    onMessage: (message) => {
      if (message.type === "exported") files = message.files;
      else if (message.type === "failed")
        fault = new ServiceError(message.permanent ? "PRECONDITION_FAILED" : "INTERNAL", wordsOf(message, "message"), {
          remedy: wordsOf(message, "remedy") ?? say`see trainer.log in the run's folder`,
          details: { code: message.code },
        });
    },
    onProtocolError: (error) => {
      fault ??= error;
      child.kill();
    },
  });
  const abort = () => child.kill();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    const { code, signal: killedBy } = await child.exited;
    await new Promise((resolve) => setImmediate(resolve)); // a message may still be on its way
    if (files) return files;
    throw (
      fault ??
      new ServiceError("INTERNAL", say`the export ended with ${killedBy ?? say`exit code ${code}`}`, {
        remedy: say`see trainer.log in the run's folder`,
      })
    );
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
