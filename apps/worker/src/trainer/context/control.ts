import type { RunControl } from "@anneal/contracts";

export type StopReason = "cancel" | "pause" | "yield" | "orphaned";

/** Thrown where work stops because someone asked; nothing is wrong. */
export class Stopped extends Error {
  constructor(readonly reason: StopReason) {
    super(`stopped: ${reason}`);
  }
}

interface Stoppable {
  requestStop(): void;
  clearStop(): void;
}

/** What was asked of this trainer. A stop reaches the engine between two micro-batches. */
export class Control {
  private reason: StopReason | null = null;
  private saveNumber: number | null = null;
  private session: Stoppable | null = null;
  /** The number of the control that caused the stop, to be confirmed when it is done. */
  stopNumber: number | null = null;

  attach(session: Stoppable): void {
    this.session = session;
    if (this.reason) session.requestStop();
  }

  detach(): void {
    this.session = null;
  }

  ask(control: RunControl, number: number): void {
    if (control === "save") this.saveNumber = number;
    else {
      this.stopNumber = number;
      this.stop(control);
    }
  }

  stop(reason: StopReason): void {
    // Cancelling wins over pausing, an orphan has nobody to work for: the stronger reason stays.
    const strength: StopReason[] = ["yield", "pause", "cancel", "orphaned"];
    if (this.reason && strength.indexOf(this.reason) >= strength.indexOf(reason)) return;
    this.reason = reason;
    this.session?.requestStop();
  }

  get stopped(): StopReason | null {
    return this.reason;
  }

  throwIfStopped(): void {
    if (this.reason) throw new Stopped(this.reason);
  }

  /** The number of a "save now" that waits, taken off. */
  takeSave(): number | null {
    const number = this.saveNumber;
    this.saveNumber = null;
    return number;
  }
}
