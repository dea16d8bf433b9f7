import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";

export interface ChildSpec {
  name: string;
  args: string[]; // of node
  cwd: string;
  logFile: string;
  env: () => NodeJS.ProcessEnv; // asked at every start
  longestPauseSeconds: number;
}

const mostLogBytes = 32 * 1024 ** 2;

// A log that has grown long is set aside at the next start; the one before it goes.
function setAside(logFile: string): void {
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > mostLogBytes) renameSync(logFile, `${logFile}.1`);
}

const firstPauseMilliseconds = 200;
const steadySeconds = 30; // alive for so long: the next fall is a new trouble, not the old one

/** A process that is started again whenever it dies, ever more slowly while it keeps dying. */
export class SupervisedChild {
  private process: ChildProcess | null = null;
  private retry: NodeJS.Timeout | null = null;
  private falls = 0;
  private stopping = false;
  private startedAt = 0;

  constructor(
    private readonly spec: ChildSpec,
    private readonly say: (line: string) => void,
    private readonly onChange: () => void,
  ) {}

  get pid(): number | null {
    return this.process?.pid ?? null;
  }

  start(): void {
    if (this.stopping || this.process) return;
    const { name, args, cwd, logFile, env } = this.spec;
    mkdirSync(dirname(logFile), { recursive: true });
    setAside(logFile);
    const log = openSync(logFile, "a", 0o600);
    // A session of its own: Ctrl-C in the terminal reaches us alone, and we end everything in order. The channel ends with
    // us, however we end, and tells the child so.
    const child = spawn(process.execPath, args, {
      cwd,
      env: env(),
      detached: true,
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.process = child;
    this.startedAt = Date.now();
    child.once("error", (error) => this.fell(child, error.message));
    child.once("exit", (code, signal) => this.fell(child, `ended with ${signal ?? `exit code ${code}`}`));
    this.onChange();
    if (this.falls > 0) this.say(`${name} runs again (process ${child.pid})`);
  }

  private fell(child: ChildProcess, how: string): void {
    if (this.process !== child) return;
    this.process = null;
    this.onChange();
    if (this.stopping) return;
    if (Date.now() - this.startedAt > steadySeconds * 1000) this.falls = 0;
    const pause = Math.min(this.spec.longestPauseSeconds * 1000, firstPauseMilliseconds * 2 ** this.falls++);
    this.say(
      `${this.spec.name} ${how}; starting it again in ${(pause / 1000).toFixed(1)} s (log: ${this.spec.logFile})`,
    );
    this.retry = setTimeout(() => {
      this.retry = null;
      this.start();
    }, pause);
  }

  /** Ends the process so that it is started anew, with the environment of that moment. */
  restart(): void {
    this.process?.kill("SIGTERM");
  }

  kill(): void {
    this.stopping = true;
    this.process?.kill("SIGKILL");
  }

  async stop(graceSeconds: number): Promise<void> {
    this.stopping = true;
    if (this.retry) clearTimeout(this.retry);
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), graceSeconds * 1000);
    await ended;
    clearTimeout(force);
  }
}
