import { Worker } from "node:worker_threads";
import { type DatasetRow, say } from "@anneal/contracts";
import { neverEnds, TextError, tooMuch } from "../text-error.ts";
import type { TextModelRef } from "./port.ts";
import type { Reply, Request, Requests, ThreadData } from "./protocol.ts";

export interface Deadlines {
  loadSeconds: number;
  rowSeconds: number; // of one row, and of whatever else is asked
  megabytes: number; // of memory
}

const lookEvery = 100; // milliseconds

/** One thread, from the host's side. What it does not answer in time ends it. */
export class Thread {
  private readonly worker: Worker;
  private readonly limits: Deadlines;
  private readonly rowsBegun = new Int32Array(new SharedArrayBuffer(4));
  private readonly models = new Set<string>(); // the one not used for longest first
  private ended = false;

  constructor({
    program,
    loadSeconds = 30,
    rowSeconds = 15,
    megabytes = 2048,
  }: Partial<Deadlines> & { program: string }) {
    this.limits = { loadSeconds, rowSeconds, megabytes };
    const data: ThreadData = { rowsBegun: this.rowsBegun };
    this.worker = new Worker(/* turbopackIgnore: true */ program, {
      workerData: data,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: megabytes, stackSizeMb: 4 },
    });
    // Between requests nobody listens, and an error without a listener would end the process.
    this.worker.on("error", () => {
      this.ended = true;
    });
    this.worker.on("exit", () => {
      this.ended = true;
    });
    this.worker.unref();
  }

  get alive(): boolean {
    return !this.ended;
  }

  has(key: string): boolean {
    return this.models.has(key);
  }

  /** While it works it keeps the process alive. */
  hold(working: boolean): void {
    if (working) this.worker.ref();
    else this.worker.unref();
  }

  async load({ key, source }: TextModelRef, mostModels: number): Promise<void> {
    if (!this.models.delete(key)) {
      await this.request({ kind: "load", key, source: source() }, this.limits.loadSeconds, () =>
        neverEnds("tokenizer", say`reading the tokenizer and the chat template`, this.limits.loadSeconds),
      );
      for (const oldest of [...this.models].slice(0, Math.max(0, this.models.size + 1 - mostModels))) {
        await this.ask("forget", { key: oldest });
        this.models.delete(oldest);
      }
    }
    this.models.add(key);
  }

  ask<K extends keyof Requests>(kind: K, asked: Requests[K]["asked"]): Promise<Requests[K]["answer"]> {
    const seconds = this.limits.loadSeconds;
    return this.request({ kind, ...asked } as Request, seconds, () =>
      neverEnds("tokenizer", say`reading the tokenizer's tokens`, seconds),
    ) as Promise<Requests[K]["answer"]>;
  }

  /** Rows of a check; `before` rows of it came earlier. */
  async askRows(rows: DatasetRow[], before: number): Promise<void> {
    const begun = Atomics.load(this.rowsBegun, 0);
    await this.request({ kind: "rows", rows }, this.limits.rowSeconds, () => {
      const row = before + Math.max(1, Atomics.load(this.rowsBegun, 0) - begun);
      return neverEnds(`row ${row}`, say`reading it by the tokenizer and the chat template`, this.limits.rowSeconds);
    });
  }

  async end(): Promise<void> {
    this.ended = true;
    await this.worker.terminate();
  }

  private request(
    request: Request,
    seconds: number,
    late: () => TextError,
  ): Promise<Requests[keyof Requests]["answer"]> {
    return new Promise((resolve, reject) => {
      let rows = Atomics.load(this.rowsBegun, 0);
      let since = performance.now();
      const timer = setInterval(() => {
        const now = Atomics.load(this.rowsBegun, 0);
        if (now !== rows) {
          rows = now;
          since = performance.now();
        } else if (performance.now() - since > seconds * 1000) {
          done(() => reject(late()));
          void this.end();
        }
      }, lookEvery);
      const done = (settle: () => void) => {
        clearInterval(timer);
        this.worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        settle();
      };
      const onMessage = (reply: Reply) =>
        done(() => {
          if ("value" in reply) resolve(reply.value);
          else if ("refused" in reply) reject(TextError.again(reply.refused));
          else reject(new Error(`a text thread failed: ${reply.failed}`));
        });
      const onError = (error: Error & { code?: string }) =>
        done(() => reject(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooMuch(error) : error));
      const onExit = (code: number) => done(() => reject(new Error(`a text thread ended with ${code}`)));
      if (this.ended) {
        done(() => reject(new Error("a text thread has ended")));
        return;
      }
      this.worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      this.worker.postMessage(request);
    });
  }
}
