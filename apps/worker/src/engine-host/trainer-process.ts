import { type ChildProcess, fork } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FromTrainer, type ToTrainer, type TrainerStart } from "@anneal/contracts";
import { childEnv } from "../env.ts";

/**
 * What the trainer's Node is started with. It calls the collector itself before it takes its large memory, and its young objects get
 * little room: the rest of the machine's memory belongs to the engine.
 */
export const trainerArguments = ["--max-old-space-size=4096", "--max-semi-space-size=8", "--expose-gc"];

export interface TrainerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface TrainerProcess {
  pid: number;
  send(message: ToTrainer): void;
  kill(): void;
  exited: Promise<TrainerExit>;
}

// Beside the bundle in production, the sources (through tsx) in development and tests.
function trainerEntry(configured: string | null): { path: string; execArgv: string[] } {
  if (configured) return { path: configured, execArgv: [] };
  const here = dirname(fileURLToPath(import.meta.url));
  const bundle = join(here, "trainer.mjs");
  if (existsSync(bundle)) return { path: bundle, execArgv: [] };
  return { path: join(here, "../trainer/main.ts"), execArgv: ["--import", "tsx"] };
}

/** Forks the trainer and starts it. Its words go to `onMessage`; what it prints goes to a log file of the run. */
export function startTrainer(options: {
  start: TrainerStart;
  trainer: string | null;
  onMessage: (message: FromTrainer) => void;
  onProtocolError: (error: Error) => void;
}): TrainerProcess {
  const { path, execArgv } = trainerEntry(options.trainer);
  mkdirSync(options.start.runDirectory, { recursive: true });
  const log = openSync(join(options.start.runDirectory, "trainer.log"), "a", 0o600);
  const child: ChildProcess = fork(path, [], {
    execArgv: [...execArgv, ...trainerArguments],
    stdio: ["ignore", log, log, "ipc"],
    serialization: "json",
    // The trainer needs no secret of ours.
    env: childEnv({ DATABASE_URL: "", DATABASE_URL_FILE: "", AWS_SECRET_ACCESS_KEY: "", AWS_SESSION_TOKEN: "" }),
  });
  closeSync(log);
  child.on("message", (raw) => {
    const parsed = FromTrainer.safeParse(raw);
    if (parsed.success) options.onMessage(parsed.data);
    else options.onProtocolError(new Error(`the trainer said something unknown: ${parsed.error.issues[0]?.message}`));
  });
  const exited = new Promise<TrainerExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
  const send = (message: ToTrainer) => {
    // A trainer that has just ended cannot be told; its exit is on its way.
    if (child.connected) child.send(message, () => undefined);
  };
  send(options.start);
  return {
    pid: child.pid ?? 0,
    send,
    kill: () => void child.kill("SIGKILL"),
    exited,
  };
}
