import type { ObjectiveSpec } from "@anneal/contracts";

// What a preference objective makes of held-out answers, from sums of log-probabilities alone: those of the model as it is
// and those of the one it began as (the reference). The definitions are the engine's, which a test holds them to.

export interface AnswerScore {
  policy: number; // log-probability of the answer
  reference: number;
  tokens: number;
}
/** Of a pair: the chosen answer and the rejected one. Of a mark: the answer, and the question with another row's answer. */
export interface ScoredExample {
  first: AnswerScore;
  second: AnswerScore;
  desirable: boolean; // of a mark
}
export interface PreferenceFigures {
  loss: number;
  rewardMargin: number | null;
  rewardAccuracy: number | null; // null: nothing is rewarded yet, as before the first step
}

const logSigmoid = (x: number): number => (x < 0 ? x - Math.log1p(Math.exp(x)) : -Math.log1p(Math.exp(-x)));
const sigmoid = (x: number): number => Math.exp(logSigmoid(x));
const ratio = ({ policy, reference }: AnswerScore): number => policy - reference;
const mean = ({ policy, tokens }: AnswerScore): number => policy / tokens;

/** How an objective scores an answer by itself; the chosen one should score higher. */
export const scoreOf = ({ kind }: ObjectiveSpec, answer: AnswerScore): number =>
  kind === "dpo" || kind === "kto" ? answer.policy : mean(answer);

/** What the engine reports as an answer's reward. */
export function rewardOf(objective: ObjectiveSpec, answer: AnswerScore): number {
  switch (objective.kind) {
    case "dpo":
    case "kto":
      return objective.beta * ratio(answer);
    case "ipo":
      return (objective.beta * ratio(answer)) / answer.tokens;
    case "orpo":
    case "simpo":
      return objective.beta * mean(answer);
    default:
      throw new Error(`${objective.kind} rewards nothing`);
  }
}

function pairLoss(objective: ObjectiveSpec, { first, second }: ScoredExample): number {
  const margin = rewardOf(objective, first) - rewardOf(objective, second);
  switch (objective.kind) {
    case "dpo": {
      const { labelSmoothing } = objective;
      return -(1 - labelSmoothing) * logSigmoid(margin) - labelSmoothing * logSigmoid(-margin);
    }
    case "ipo":
      return (margin / objective.beta - 1 / (2 * objective.beta)) ** 2;
    case "simpo":
      return -logSigmoid(margin - objective.gamma);
    case "orpo": {
      const logRest = (value: number) => Math.log(-Math.expm1(Math.min(value, -1e-12)));
      const odds = mean(first) - mean(second) - (logRest(mean(first)) - logRest(mean(second)));
      return -objective.beta * logSigmoid(odds);
    }
    default:
      throw new Error(`${objective.kind} has no pairs`);
  }
}

const average = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

function markedFigures(
  objective: Extract<ObjectiveSpec, { kind: "kto" }>,
  examples: readonly ScoredExample[],
): PreferenceFigures {
  const kl = Math.max(0, average(examples.map(({ second }) => ratio(second))) ?? 0);
  const losses = examples.map(({ first, desirable }) => {
    const weight = desirable ? objective.desirableWeight : objective.undesirableWeight;
    return weight * (1 - sigmoid((desirable ? 1 : -1) * objective.beta * (ratio(first) - kl)));
  });
  const rewards = (wanted: boolean) =>
    examples.filter(({ desirable }) => desirable === wanted).map(({ first }) => rewardOf(objective, first));
  const [good, bad] = [rewards(true), rewards(false)];
  const [goodMean, badMean] = [average(good), average(bad)];
  const right = good.filter((reward) => reward > 0).length + bad.filter((reward) => reward < 0).length;
  const moved = [...good, ...bad].some((reward) => reward !== 0);
  return {
    loss: average(losses) ?? 0,
    rewardMargin: goodMean === null || badMean === null ? null : goodMean - badMean,
    rewardAccuracy: moved ? right / examples.length : null,
  };
}

/** Loss, margin and accuracy over examples; null where there are none. */
export function preferenceFigures(
  objective: ObjectiveSpec,
  examples: readonly ScoredExample[],
): PreferenceFigures | null {
  if (examples.length === 0) return null;
  if (objective.kind === "kto") return markedFigures(objective, examples);
  const margins = examples.map(({ first, second }) => rewardOf(objective, first) - rewardOf(objective, second));
  const chosenTokens = examples.reduce((sum, { first }) => sum + first.tokens, 0);
  // ORPO also imitates the chosen answers, by the mean over all of their tokens.
  const imitated =
    objective.kind === "orpo" ? -examples.reduce((sum, { first }) => sum + first.policy, 0) / chosenTokens : 0;
  return {
    loss: (average(examples.map((example) => pairLoss(objective, example))) ?? 0) + imitated,
    rewardMargin: average(margins),
    rewardAccuracy: margins.some((margin) => margin !== 0)
      ? margins.filter((margin) => margin > 0).length / margins.length
      : null,
  };
}
