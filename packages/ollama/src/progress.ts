export const publishPhases = [
  "hash",
  "head",
  "upload",
  "create",
  "show",
  "render",
  "load",
  "smoke",
  "activate",
  "clean",
] as const;
export type PublishPhase = (typeof publishPhases)[number];

export interface PublishProgress {
  phase: PublishPhase;
  fraction: number; // of the whole publication, 0 to 1, never falling
  bytesDone: number | null; // where the phase moves bytes
  bytesTotal: number | null;
  etaSeconds: number | null; // of the phase, where bytes tell
  note: string | null;
}

// Shares of the whole; hashing, uploading and the server's copy of the file take nearly all of a big publication.
const weights: Record<PublishPhase, number> = {
  hash: 0.15,
  head: 0.01,
  upload: 0.4,
  create: 0.25,
  show: 0.01,
  render: 0.08,
  load: 0.05,
  smoke: 0.03,
  activate: 0.01,
  clean: 0.01,
};

// Turns phase and byte counts into progress events with an ETA, at most ten a second per phase.
export class ProgressReporter {
  private readonly report: (progress: PublishProgress) => void;
  private readonly now: () => number; // milliseconds
  private startedMs = 0;
  private lastMs = 0;
  private highest = 0;
  private phase: PublishPhase | null = null;

  constructor(report: ((progress: PublishProgress) => void) | undefined, now: () => number = Date.now) {
    this.report = report ?? (() => undefined);
    this.now = now;
  }

  enter(phase: PublishPhase, note: string | null = null): void {
    this.phase = phase;
    this.startedMs = this.now();
    this.lastMs = this.startedMs;
    this.send(phase, 0, null, null, null, note);
  }

  note(note: string): void {
    if (this.phase) this.send(this.phase, 0, null, null, null, note);
  }

  bytes(done: number, total: number): void {
    if (!this.phase) return;
    const now = this.now();
    if (done < total && now - this.lastMs < 100) return;
    this.lastMs = now;
    const seconds = (now - this.startedMs) / 1000;
    const eta = done > 0 && seconds > 0.2 ? (seconds / done) * (total - done) : null;
    this.send(this.phase, total > 0 ? done / total : 1, done, total, eta, null);
  }

  finish(): void {
    this.highest = 1;
    this.send("clean", 1, null, null, 0, null);
  }

  private send(
    phase: PublishPhase,
    within: number,
    bytesDone: number | null,
    bytesTotal: number | null,
    etaSeconds: number | null,
    note: string | null,
  ): void {
    let before = 0;
    for (const p of publishPhases) {
      if (p === phase) break;
      before += weights[p];
    }
    this.highest = Math.min(1, Math.max(this.highest, before + weights[phase] * Math.min(1, Math.max(0, within))));
    this.report({ phase, fraction: this.highest, bytesDone, bytesTotal, etaSeconds, note });
  }
}
