/** What is left of a whole run, from what its parts have taken so far. */
export class Eta {
  private secondsPerRow: number | null = null; // of a held-out row: loss and answer
  private readonly afterSeconds = 10; // export and benchmark, roughly

  constructor(
    private readonly finalRows: number,
    private readonly duringRows: number,
    private readonly evaluations: number,
    private readonly totalSteps: number,
  ) {}

  evaluated(rows: number, seconds: number): void {
    if (rows > 0) this.secondsPerRow = seconds / rows;
  }

  /** Before the first step; null where nothing says how long steps will take. */
  beforeTraining(plannedSecondsPerStep: number | undefined): number | null {
    return plannedSecondsPerStep === undefined ? null : this.whileTraining(this.totalSteps, plannedSecondsPerStep);
  }

  whileTraining(stepsLeft: number, secondsPerStep: number): number {
    const during = this.duringRows * Math.ceil((this.evaluations * stepsLeft) / Math.max(1, this.totalSteps));
    return stepsLeft * secondsPerStep + during * (this.secondsPerRow ?? 0) + this.whileEvaluating(this.finalRows);
  }

  whileEvaluating(rowsLeft: number): number {
    return rowsLeft * (this.secondsPerRow ?? 0) + this.afterSeconds;
  }
}
