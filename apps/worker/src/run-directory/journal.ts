import { closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync } from "node:fs";
import type { JournalLine, RunEventBody } from "@anneal/contracts";
import { requireAttempt, syncDirectory } from "./attempt-lock.ts";
import { writeWhole } from "./files.ts";
import { encodeLine, journalFolder, journalPath, readJournal } from "./journal-file.ts";

/** What was told before, so that a resumed attempt recomputes it in silence. */
export interface Told {
  metricsStep: number;
  samplesStep: number;
  duringStep: number;
  evaluated: Set<"before" | "during" | "after">;
  finishedStages: Set<string>;
  trained: boolean;
  guardStep: number;
  artifacts: Set<string>; // kind/name
  checkpoints: Map<number, string>; // step to path, those told and not told as deleted
}

function emptyTold(): Told {
  return {
    metricsStep: 0,
    samplesStep: -1,
    duringStep: -1,
    evaluated: new Set(),
    finishedStages: new Set(),
    trained: false,
    guardStep: -1,
    artifacts: new Set(),
    checkpoints: new Map(),
  };
}

function note(told: Told, body: RunEventBody): void {
  if (body.type === "metrics") told.metricsStep = Math.max(told.metricsStep, body.step);
  else if (body.type === "samples") told.samplesStep = Math.max(told.samplesStep, body.step);
  else if (body.type === "evaluation") {
    told.evaluated.add(body.which);
    if (body.which === "during") told.duringStep = Math.max(told.duringStep, body.step);
  } else if (body.type === "stage" && (body.state === "finished" || body.state === "skipped"))
    told.finishedStages.add(body.stage);
  else if (body.type === "guard") told.guardStep = Math.max(told.guardStep, body.step);
  else if (body.type === "trained") told.trained = true;
  else if (body.type === "artifact") told.artifacts.add(`${body.kind}/${body.name}`);
  else if (body.type === "checkpoint") {
    told.checkpoints.set(body.step, body.path);
    for (const step of body.deleted) told.checkpoints.delete(step);
  }
}

/** An attempt's journal: append-only, each line numbered and on the disk before anyone hears of it. */
export class Journal {
  readonly told: Told;
  private readonly handle: number;
  private last: number;

  private constructor(
    private readonly runDirectory: string,
    private readonly attempt: number,
    private readonly fenced: boolean,
    handle: number,
    last: number,
    told: Told,
  ) {
    this.handle = handle;
    this.last = last;
    this.told = told;
  }

  /** Goes on after everything earlier attempts left whole, and after what the database is known to hold. */
  static async open(
    runDirectory: string,
    options: { attempt: number; fenced: boolean; stored: { number: number; step: number }; now: Date },
  ): Promise<Journal> {
    const { attempt, fenced, stored } = options;
    const told = emptyTold();
    told.metricsStep = stored.step;
    let last = stored.number;
    for await (const line of readJournal(runDirectory, { attempt: attempt - 1 })) {
      last = Math.max(last, line.number);
      note(told, line.body);
    }
    mkdirSync(journalFolder(runDirectory), { recursive: true });
    if (fenced) requireAttempt(runDirectory, attempt);
    const handle = openSync(journalPath(runDirectory, attempt), "ax", 0o600);
    writeWhole(handle, encodeLine({ attempt, after: last, startedAt: options.now.toISOString() }));
    fsyncSync(handle);
    syncDirectory(journalFolder(runDirectory));
    return new Journal(runDirectory, attempt, fenced, handle, last, told);
  }

  get number(): number {
    return this.last;
  }

  append(...bodies: RunEventBody[]): number {
    if (bodies.length === 0) return this.last;
    if (this.fenced) requireAttempt(this.runDirectory, this.attempt);
    const time = new Date().toISOString();
    const lines: JournalLine[] = bodies.map((body, i) => ({ number: this.last + 1 + i, time, body }));
    const size = fstatSync(this.handle).size;
    try {
      writeWhole(this.handle, lines.map(encodeLine).join(""));
      fdatasyncSync(this.handle);
    } catch (error) {
      ftruncateSync(this.handle, size); // a torn line would hide whatever is written after it
      throw error;
    }
    this.last += lines.length; // told only once they are on the disk
    for (const body of bodies) note(this.told, body);
    return this.last;
  }

  close(): void {
    closeSync(this.handle);
  }
}
