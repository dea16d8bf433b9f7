import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunSpec } from "@anneal/contracts";
import { z } from "zod";
import { replaceFile } from "../../run-directory/files.ts";

const evaluationsPerRun = 10;
const secondsBetweenSaves = 120;
const Chosen = z.object({ saveEvery: z.int().positive() });

/**
 * When to save, evaluate and ask samples, all by step number. Where the spec leaves saving to us, the distance is chosen once,
 * from the first measured steps, and kept beside the run, so that every attempt saves at the same steps.
 */
export class Cadence {
  private saveEvery: number | null;
  private readonly evaluateEvery: number;
  private readonly sampleEvery: number;
  private readonly path: string;

  constructor(
    spec: RunSpec,
    private readonly totalSteps: number,
    runDirectory: string,
  ) {
    this.path = join(runDirectory, "cadence.json");
    this.evaluateEvery = spec.evaluation.everySteps ?? Math.max(1, Math.round(totalSteps / evaluationsPerRun));
    this.sampleEvery = spec.samples.everySteps ?? this.evaluateEvery;
    this.saveEvery = spec.checkpoints.everySteps;
    if (this.saveEvery === null && existsSync(this.path))
      this.saveEvery = Chosen.parse(JSON.parse(readFileSync(this.path, "utf8"))).saveEvery;
  }

  /** Told after each step; the first step warms caches up and is not counted. */
  measured(stepsOfAttempt: number, secondsPerStep: number): void {
    if (this.saveEvery !== null || stepsOfAttempt < 3) return;
    this.saveEvery = Math.max(1, Math.round(secondsBetweenSaves / Math.max(1e-3, secondsPerStep)));
    replaceFile(this.path, JSON.stringify({ saveEvery: this.saveEvery }));
  }

  isLast = (step: number) => step >= this.totalSteps;
  savesAt = (step: number) => this.isLast(step) || (this.saveEvery !== null && step % this.saveEvery === 0);
  evaluatesAt = (step: number) => this.isLast(step) || step % this.evaluateEvery === 0;
  samplesAt = (step: number) => this.isLast(step) || step % this.sampleEvery === 0;
}
