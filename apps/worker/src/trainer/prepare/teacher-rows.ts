import { type Phrase, ServiceError, say, type TrainerStart, type Words } from "@anneal/contracts";
import { sha256OfFile } from "@anneal/data";
import type { MicroBatch } from "@anneal/engine";
import { openTeacherFile, type Shard, type TeacherFile, teacherMismatch, textFacts } from "@anneal/text";
import type { textModelOf } from "./text-model.ts";

const field = "objective.teacherFile";
const refuse = (code: "CONFLICT" | "INVALID_INPUT", message: Words, remedy: Words) =>
  new ServiceError(code, say`${field}: ${message}`, { field, remedy });

type Needs = Pick<TrainerStart, "teacherFile" | "dataset" | "spec">;

/** What a teacher said of the training rows, out of its file. Examples are those of the training shard, rows those of the dataset. */
export class TeacherRows {
  private constructor(
    private readonly file: TeacherFile,
    private readonly shard: Shard,
    private readonly rowNumbers: Uint32Array,
  ) {}

  /**
   * Opens a run's teacher file after proving its digest, its facts and that its rows are those of the shard, token for token. Null where
   * the run has none.
   */
  static async open(
    start: Needs,
    text: ReturnType<typeof textModelOf>,
    rows: { vocabularySize: number; shard: Shard; rowNumbers: Uint32Array; examples: Uint32Array },
    onRow: () => void,
  ): Promise<TeacherRows | null> {
    const { teacherFile: named } = start;
    if (!named) return null;
    const digest = `sha256:${await sha256OfFile(named.path)}`;
    if (digest !== named.digest)
      throw refuse("CONFLICT", say`${named.name} has changed: ${digest}, not ${named.digest}`, say`make another file`);
    const file = openTeacherFile(named.path);
    try {
      const mismatch = teacherMismatch(file.facts, {
        ...textFacts(text, rows.vocabularySize),
        dataset: start.dataset.digest,
        maxSequenceTokens: start.spec.maxSequenceTokens,
      });
      if (mismatch) throw refuse("INVALID_INPUT", mismatch.message, mismatch.remedy);
      const teacher = new TeacherRows(file, rows.shard, rows.rowNumbers);
      for (const example of rows.examples) {
        teacher.guesses(example);
        onRow();
      }
      return teacher;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get topK(): number {
    return this.file.facts.topK;
  }

  /** The micro-batch of these examples, in order, with what the teacher said of each of their supervised tokens. */
  attach(batch: MicroBatch, examples: readonly number[]): MicroBatch {
    const parts = examples.map((example) => this.guesses(example));
    const values = parts.reduce((sum, { ids }) => sum + ids.length, 0);
    const teacher = { ids: new Int32Array(values), logprobs: new Float32Array(values), k: this.topK };
    let at = 0;
    for (const { ids, logprobs } of parts) {
      teacher.ids.set(ids, at);
      teacher.logprobs.set(logprobs, at);
      at += ids.length;
    }
    return { ...batch, teacher };
  }

  /** Of one example's supervised tokens: those that its labels train. */
  private guesses(example: number): { ids: Int32Array; logprobs: Float32Array } {
    const row = this.rowNumbers[example] ?? -1;
    const other = (what: Phrase) =>
      refuse(
        "INVALID_INPUT",
        say`row ${row + 1} of the dataset ${what}`,
        say`make the file again with this base: anneal teacher make`,
      );
    if (row < 0 || row >= this.file.rows) throw other(say`is not in it`);
    const found = this.file.row(row);
    const tokens = this.shard.tokens(example);
    if (tokens.length !== found.tokens.length || tokens.some((token, i) => token !== found.tokens[i]))
      throw other(say`has other tokens in it`);
    const k = this.topK;
    const labels = this.shard.labels(example);
    let kept = 0;
    let masked = 0;
    // Packed in place: what is trained now may be less than what was asked of the teacher.
    for (let t = 1; t < tokens.length; t++) {
      const asked = found.mask[t] === 1;
      if (labels[t] !== -100) {
        if (!asked) throw other(say`trains its token ${t + 1}, of which the teacher was not asked`);
        if (kept !== masked) {
          found.ids.copyWithin(kept * k, masked * k, (masked + 1) * k);
          found.logprobs.copyWithin(kept * k, masked * k, (masked + 1) * k);
        }
        kept++;
      }
      if (asked) masked++;
    }
    return { ids: found.ids.subarray(0, kept * k), logprobs: found.logprobs.subarray(0, kept * k) };
  }

  close(): void {
    this.file.close();
  }
}
