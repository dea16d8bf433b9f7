import { diskFullCode, type FromTrainer, ServiceError, say, type TrainerStart, wordsOf } from "@anneal/contracts";
import { startTrainer } from "./trainer-process.ts";
import { Watchdog } from "./watchdog.ts";

type Taught = Extract<FromTrainer, { type: "taught" }>;
interface Settings {
  trainer: string | null;
  hangSeconds: number;
  hangFactor: number;
}

/** Has a trainer child make a teacher's file; killed when `signal` aborts or nothing is heard of it. Null: cut off, to be made again. */
export async function makeTeacherFile(
  start: TrainerStart,
  settings: Settings,
  signal: AbortSignal,
  onRows: (rows: number) => void,
): Promise<Taught | null> {
  let made: Taught | null = null;
  let fault: ServiceError | null = null;
  const child = startTrainer({
    start,
    trainer: settings.trainer,
    onMessage: (message) => {
      watchdog.alive(message.type === "heartbeat" ? message.expectedSeconds : null);
      if (message.type === "heartbeat") onRows(message.step);
      else if (message.type === "taught") made = message;
      else if (message.type === "failed" && (message.permanent || message.code === diskFullCode))
        fault = new ServiceError("PRECONDITION_FAILED", wordsOf(message, "message"), {
          remedy: wordsOf(message, "remedy") ?? say`see trainer.log in its folder`,
          details: { code: message.code },
        });
    },
    onProtocolError: () => child.kill(),
  });
  const watchdog = new Watchdog(settings.hangSeconds, settings.hangFactor, () => child.kill());
  const abort = () => child.kill();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    await child.exited;
    await new Promise((resolve) => setImmediate(resolve)); // a message may still be on its way
    if (made) return made;
    if (fault) throw fault;
    return null;
  } finally {
    watchdog.stop();
    signal.removeEventListener("abort", abort);
  }
}
