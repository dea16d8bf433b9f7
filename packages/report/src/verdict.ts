import { type AnswerCounts, type Phrase, say, type Verdict } from "@anneal/contracts";
import { type LossRow, mcNemarExact, pairedLoss, pairedMeans, pairedShares, smallestShown } from "./stats.ts";

// Did it get better? Every measure that a run has is asked, each row against itself; what so many rows could not have shown is said too.

export interface RightOrWrong {
  base: boolean | null; // null: only the tuned model can be judged
  tuned: boolean;
}
export interface VerdictInput {
  answers: { kind: "exactMatch" | "labels"; rows: readonly RightOrWrong[] } | null;
  preferences: { rows: readonly RightOrWrong[]; margins: readonly { base: number; tuned: number }[] } | null;
  losses: readonly LossRow[]; // of rows that both models were measured on
  counts: AnswerCounts | null;
  seen: { rows: number; of: number; judged: boolean } | null; // held-out rows that are trained as well; judged: they count here
}

type Finding = "better" | "worse" | "equal" | "unclear";
interface Measure {
  name: Phrase;
  finding: Finding;
  reason: Phrase;
}

const significant = 0.05;
const sameShare = 0.01; // differences within a point, or 0.01 nats, count as none
const sameLoss = 0.01;
const fewestRows = 6; // five rows all changed for the better are p = 0.06
const fewestLosses = 3;

const shown = (value: number, digits: number) => {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
};
const points = (share: number) => shown(100 * share, 1);
const probability = (p: number) => (p < 0.0001 ? "< 0.0001" : `= ${p.toFixed(4)}`);
const perplexity = (nats: number) => {
  const value = Math.exp(nats);
  return value < 10 ? value.toFixed(3) : value < 10_000 ? value.toFixed(1) : value.toExponential(1).replace("e+", "e");
};
const within = ({ low, high }: { low: number; high: number }, margin: number) => low > -margin && high < margin;

function shareMeasure(name: Phrase, all: readonly RightOrWrong[]): Measure | null {
  const rows = all.flatMap(({ base, tuned }) => (base === null ? [] : [{ base, tuned }]));
  const n = rows.length;
  if (n === 0) return null;
  const count = (is: (row: (typeof rows)[number]) => boolean) => rows.filter(is).length;
  const [before, after] = [count(({ base }) => base), count(({ tuned }) => tuned)];
  const lost = count(({ base, tuned }) => base && !tuned);
  const gained = count(({ base, tuned }) => !base && tuned);
  const p = mcNemarExact(lost, gained);
  const interval = pairedShares(lost, gained, n);
  const figures = say`${name}: ${before} of ${n} before, ${after} of ${n} after`;
  if (p < significant) {
    const finding = gained > lost ? "better" : "worse";
    const reason = say`${figures}; a difference of ${points((after - before) / n)} percentage points (95%: ${points(interval.low)} to ${points(interval.high)}; McNemar p ${probability(p)})`;
    return { name, finding, reason };
  }
  if (within(interval, sameShare))
    return {
      name,
      finding: "equal",
      reason: say`${figures}; a difference of more than ${points(Math.max(-interval.low, interval.high))} percentage points can be ruled out`,
    };
  const smallest = smallestShown(Math.min(lost, gained), n, significant);
  const reason =
    n < fewestRows || smallest === null
      ? say`${figures}; too few rows to show any difference, it takes at least ${fewestRows}`
      : say`${figures}; with ${n} [row|rows] only a difference of about ${points(smallest)} percentage points or more would have shown`;
  return { name, finding: "unclear", reason };
}

/** A preference that only the tuned model can be judged by (marked answers): against the half that chance gives. */
function againstChance(name: Phrase, rows: readonly RightOrWrong[]): Measure | null {
  const n = rows.length;
  if (n === 0 || rows.some(({ base }) => base !== null)) return null;
  const right = rows.filter(({ tuned }) => tuned).length;
  const p = mcNemarExact(n - right, right);
  const finding = p >= significant ? "unclear" : right > n - right ? "better" : "worse";
  const reason = say`${name}: ${right} of ${n} answers moved the wanted way, where chance moves half (p ${probability(p)})`;
  return { name, finding, reason };
}

function lossMeasure(losses: readonly LossRow[]): Measure | null {
  const rows = losses.filter(({ tokens }) => tokens > 0);
  if (rows.length === 0) return null;
  const name = say`loss`;
  const { base, tuned, difference, low, high, tokens } = pairedLoss(rows);
  const figures = say`${name}: ${shown(base, 3)} before, ${shown(tuned, 3)} after, in nats per token over all ${tokens} trained tokens of ${rows.length} held-out rows (perplexity ${perplexity(base)} and ${perplexity(tuned)})`;
  if (rows.length < fewestLosses)
    return { name, finding: "unclear", reason: say`${figures}; too few rows to judge by` };
  if (within({ low, high }, sameLoss))
    return { name, finding: "equal", reason: say`${figures}; it changed by less than ${sameLoss}` };
  const found = low > 0 ? "better" : high < 0 ? "worse" : "unclear";
  const reason =
    found === "unclear"
      ? say`${figures}; with these rows only a difference of about ${shown((high - low) / 2, 3)} or more would have shown`
      : say`${figures}; a difference of ${shown(-difference, 3)} (95%: ${shown(-high, 3)} to ${shown(-low, 3)}, row by row)`;
  return { name, finding: found, reason };
}

function marginMeasure(margins: readonly { base: number; tuned: number }[]): Measure | null {
  if (margins.length < fewestLosses) return null;
  const name = say`preference margin`;
  const { mean, low, high } = pairedMeans(margins.map(({ base, tuned }) => tuned - base));
  const finding = low > 0 ? "better" : high < 0 ? "worse" : low === high ? "equal" : "unclear";
  const reason = say`${name}: the better answer's log-probability lies ${shown(mean, 3)} nats further above the other's than before (95%: ${shown(low, 3)} to ${shown(high, 3)}, pair by pair)`;
  return { name, finding, reason };
}

function limitsOf({ counts, seen }: VerdictInput): Phrase[] {
  const limits: Phrase[] = [];
  if (counts && counts.cut > 0)
    limits.push(
      counts.cut === 1
        ? say`1 of ${counts.asked} answers was cut at ${counts.cap} tokens`
        : say`${counts.cut} of ${counts.asked} answers were cut at ${counts.cap} tokens`,
    );
  if (counts && counts.tooLong > 0)
    limits.push(
      say`expected answers longer than ${counts.cap} tokens, which exact match does not judge: ${counts.tooLong}`,
    );
  if (counts && counts.unasked > 0)
    limits.push(
      say`questions never asked, because the context leaves no room for their answers: ${counts.unasked} (held-out rows ${counts.unaskedRows.map((row) => row + 1).join(", ")}); they are not counted as wrong`,
    );
  if (counts && counts.thoughts > 0)
    limits.push(
      say`answers with a thought before them, of which what follows was compared: ${counts.thoughts} of ${counts.asked}`,
    );
  if (seen && seen.rows > 0)
    limits.push(
      seen.judged
        ? say`held-out rows that are trained as well: ${seen.rows} of ${seen.of}; too few others are left, so this shows what was learned by heart, not how the model does on new rows`
        : say`held-out rows that are trained as well: ${seen.rows} of ${seen.of}; the verdict leaves them out`,
    );
  return limits;
}

export function judge(input: VerdictInput): Verdict {
  const { answers, preferences } = input;
  const ranked = say`preference accuracy`;
  const measures = [
    answers ? shareMeasure(answers.kind === "labels" ? say`label accuracy` : say`exact match`, answers.rows) : null,
    preferences ? (shareMeasure(ranked, preferences.rows) ?? againstChance(ranked, preferences.rows)) : null,
    preferences ? marginMeasure(preferences.margins) : null,
    lossMeasure(input.losses),
  ].filter((measure) => measure !== null);
  return { ...summed(measures), reasons: measures.map(({ reason }) => reason), limits: limitsOf(input) };
}

function summed(measures: readonly Measure[]): Pick<Verdict, "outcome" | "headline"> {
  const names = (finding: Finding) => measures.filter((measure) => measure.finding === finding).map(({ name }) => name);
  const all = ([first, ...rest]: Phrase[]): Phrase =>
    rest.reduce((list, name) => say`${list} and ${name}`, first ?? say`nothing`);
  const [better, worse, equal] = [names("better"), names("worse"), names("equal")];
  if (measures.length === 0)
    return { outcome: "unmeasured", headline: say`Not measured: nothing was compared before and after training` };
  if (better.length > 0 && worse.length > 0)
    return {
      outcome: "mixed",
      headline: say`Mixed: the tuned model is better by ${all(better)}, worse by ${all(worse)}`,
    };
  if (better.length > 0) return { outcome: "better", headline: say`The tuned model is better, by ${all(better)}` };
  if (worse.length > 0) return { outcome: "worse", headline: say`The tuned model is worse, by ${all(worse)}` };
  if (equal.length === measures.length)
    return { outcome: "equal", headline: say`No difference: the tuned model does as well as before training` };
  return {
    outcome: "uncertain",
    headline: say`Not decided: these held-out rows do not show whether the tuned model is better`,
  };
}
