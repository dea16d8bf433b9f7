import { closeSync, existsSync, fdatasyncSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { requireAttempt } from "../../run-directory/attempt-lock.ts";
import { writeWhole } from "../../run-directory/files.ts";
import { encodeLine, intactLines } from "../../run-directory/journal-file.ts";
import type { Measured } from "./measure.ts";

const Loss = z.object({ lossSum: z.number(), tokens: z.number(), correct: z.number() });
const Said = z
  .object({ text: z.string(), thought: z.string().nullable(), open: z.boolean(), cut: z.boolean() })
  .nullable();
const Part = z.object({
  losses: z.array(z.tuple([z.int(), Loss])).optional(),
  answers: z.array(z.tuple([z.int(), Said])).optional(),
});
type Part = z.infer<typeof Part>;

/**
 * What a model answered, kept beside the run as it is measured: `name` says which model, `about` of which rows. One file an
 * attempt, lines with check sums like the journal's; what an earlier attempt measured is not measured again.
 */
export class AnswersFile {
  private handle: number | null = null;
  private readonly folder: string;

  constructor(
    private readonly runDirectory: string,
    private readonly name: string,
    private readonly about: string,
    private readonly attempt: number,
    private readonly fenced: boolean,
  ) {
    this.folder = join(runDirectory, "answers");
  }

  async load(into: Measured): Promise<Measured> {
    if (!existsSync(this.folder)) return into;
    for (const file of readdirSync(this.folder).sort()) {
      if (!file.startsWith(`${this.name}-e`)) continue;
      let isHeader = true;
      for await (const line of intactLines(join(this.folder, file))) {
        if (isHeader) {
          isHeader = false;
          if ((line as { about?: unknown }).about !== this.about) break; // of other rows or another state
          continue;
        }
        const part = Part.parse(line);
        for (const [row, loss] of part.losses ?? []) into.losses.set(row, loss);
        for (const [row, answer] of part.answers ?? []) into.answers.set(row, answer);
      }
    }
    return into;
  }

  keep(part: Part): void {
    if (this.fenced) requireAttempt(this.runDirectory, this.attempt);
    if (this.handle === null) {
      mkdirSync(this.folder, { recursive: true });
      const file = `${this.name}-e${String(this.attempt).padStart(9, "0")}-${Date.now()}.jsonl`;
      this.handle = openSync(join(this.folder, file), "ax", 0o600);
      writeWhole(this.handle, encodeLine({ about: this.about }));
    }
    writeWhole(this.handle, encodeLine(part));
    fdatasyncSync(this.handle);
  }

  close(): void {
    if (this.handle !== null) closeSync(this.handle);
    this.handle = null;
  }
}
