const tickMilliseconds = 1000;

/** Calls `onHang` when nothing was heard for max(minimumSeconds, factor x expected). */
export class Watchdog {
  fired = false;
  private deadline: number;
  private lastTick = Date.now();
  private expectedSeconds = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly minimumSeconds: number,
    private readonly factor: number,
    onHang: () => void,
  ) {
    this.deadline = this.next();
    this.timer = setInterval(() => {
      const now = Date.now();
      // We ourselves were stopped, or the clock jumped: what the trainer said meanwhile has not been read yet.
      if (now - this.lastTick > 5 * tickMilliseconds || now < this.lastTick) this.deadline = this.next();
      this.lastTick = now;
      if (now < this.deadline || this.fired) return;
      this.fired = true;
      onHang();
    }, tickMilliseconds);
    this.timer.unref();
  }

  private next(): number {
    return Date.now() + Math.max(this.minimumSeconds, this.factor * this.expectedSeconds) * 1000;
  }

  alive(expectedSeconds: number | null): void {
    if (expectedSeconds !== null) this.expectedSeconds = expectedSeconds;
    this.deadline = this.next();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
