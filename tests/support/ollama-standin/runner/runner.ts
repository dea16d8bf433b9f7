import { stat } from "node:fs/promises";
import { ReplyError, textOf } from "../faulty.ts";
import { architecture, type GgufFile, numberOf } from "../gguf/gguf-read.ts";
import type { Model } from "../model.ts";
import { jinjaFault } from "../template/jinja.ts";
import { type Answerer, loadLlama } from "./llama.ts";
import { markedAnswerer } from "./marked-answer.ts";
import { loadFault } from "./model-checks.ts";

// Real llama.cpp where it loads the file, or always the marked text; `llamaBelowBytes` leaves llama.cpp to small files.
export type Answers = "llama" | "marked" | { llamaBelowBytes: number };
export const defaultKeepAlive = 300;
const forever = 0x7fffffffffffffffn / 1_000_000_000n;

// A loaded GGUF. It belongs to the blob, not to the name: two names over one blob share it.
export interface Runner {
  path: string;
  model: Model; // that loaded it first
  answerer: Answerer;
  contextLength: number;
  bytes: number;
  expiresAt: number; // seconds since 1970
  keepAlive: number;
  users: number;
  timer: NodeJS.Timeout | null;
  turn: Promise<void>;
}

const startFault = (message: string): ReplyError =>
  new ReplyError(500, `llama-server process has terminated: exit status 1: ${message}`);

export const trainedLength = (file: GgufFile): number =>
  numberOf(file.keys.get(`${architecture(file)}.context_length`)) ?? 2048;

export class Runners {
  private readonly loaded = new Map<string, Runner>();
  private readonly answers: Answers;
  private loading: Promise<unknown> = Promise.resolve();

  constructor(answers: Answers) {
    this.answers = answers;
  }

  // Loads the model unless it stands already, and marks it used; `release` must follow.
  async acquire(model: Model, contextAsked: number | null, keepAlive: number | null): Promise<Runner> {
    const contextLength = Math.min(contextAsked ?? 4096, trainedLength(model.gguf));
    const turn = this.loading.then(() => this.ready(model, contextLength));
    this.loading = turn.catch(() => undefined);
    const runner = await turn;
    runner.users += 1;
    runner.keepAlive = keepAlive ?? defaultKeepAlive;
    this.touch(runner);
    return runner;
  }

  private async ready(model: Model, contextLength: number): Promise<Runner> {
    const known = this.loaded.get(model.path);
    if (known && known.contextLength === contextLength) return known;
    if (known) await this.unload(known);
    const fault = loadFault(model.gguf);
    if (fault) throw startFault(`error loading model: ${fault}\nerror loading model: ${fault}`);
    if (!model.rendersItself) {
      const jinja = jinjaFault(model.gguf);
      if (jinja) throw startFault(`error: ${jinja}`);
    }
    const runner: Runner = {
      path: model.path,
      model,
      answerer: await this.answererFor(model.path, contextLength),
      contextLength,
      bytes: model.gguf.tensors.reduce((sum, { bytes }) => sum + bytes, 0) + contextLength * 1024,
      expiresAt: 0,
      keepAlive: defaultKeepAlive,
      users: 0,
      timer: null,
      turn: Promise.resolve(),
    };
    this.loaded.set(model.path, runner);
    return runner;
  }

  private async answererFor(path: string, contextLength: number): Promise<Answerer> {
    if (this.answers === "marked") return markedAnswerer;
    if (this.answers !== "llama" && (await stat(path)).size >= this.answers.llamaBelowBytes) return markedAnswerer;
    try {
      return await loadLlama(path, contextLength);
    } catch (error) {
      process.stderr.write(`llama.cpp does not load ${path} (${textOf(error)}); answers are marked texts\n`);
      return markedAnswerer;
    }
  }

  release(runner: Runner): void {
    runner.users -= 1;
    this.touch(runner);
    if (runner.users === 0 && runner.keepAlive === 0) void this.unload(runner);
  }

  private touch(runner: Runner): void {
    if (runner.timer) clearTimeout(runner.timer);
    runner.timer = null;
    const { keepAlive } = runner;
    runner.expiresAt = Date.now() / 1000 + (keepAlive < 0 ? Number(forever) : keepAlive);
    if (keepAlive <= 0 || keepAlive > 2_000_000) return;
    runner.timer = setTimeout(() => {
      if (runner.users === 0) void this.unload(runner);
    }, keepAlive * 1000);
    runner.timer.unref();
  }

  // `keep_alive: 0` without messages: out at once, or when its last user is done.
  async expire(model: Model): Promise<void> {
    const runner = this.loaded.get(model.path);
    if (!runner) return;
    runner.keepAlive = 0;
    if (runner.users === 0) await this.unload(runner);
  }

  private async unload(runner: Runner): Promise<void> {
    if (this.loaded.get(runner.path) === runner) this.loaded.delete(runner.path);
    if (runner.timer) clearTimeout(runner.timer);
    await runner.answerer.close();
  }

  // One slot per model: answers wait in line.
  async inTurn<T>(runner: Runner, work: () => Promise<T>): Promise<T> {
    const before = runner.turn;
    let done: () => void = () => undefined;
    runner.turn = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      return await work();
    } finally {
      done();
    }
  }

  list(): Runner[] {
    return [...this.loaded.values()].sort((a, b) => b.expiresAt - a.expiresAt);
  }

  async closeAll(): Promise<void> {
    await this.loading.catch(() => undefined);
    for (const runner of [...this.loaded.values()]) await this.unload(runner);
  }
}
