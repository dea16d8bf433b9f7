import type { Session } from "@anneal/engine";
import { encodePrompt } from "@anneal/text";
import { engineCall } from "../context/engine-call.ts";
import { heartbeat, type Job, ProgressTeller } from "../context/job.ts";
import { answerCap } from "../evaluate/asking.ts";
import type { Prepared } from "../prepare/prepare.ts";

export interface ServingFigures {
  latencySeconds: number[];
  firstTokenSeconds: number[];
  tokensPerSecond: number[];
  answerTokens: number;
  decodeSeconds: number; // of all answers, after their first tokens
}

const atMostQuestions = 64;
const atMostSeconds = 20;
const fewestTokens = 4;

/** One question at a time, as a lone user meets the model; the first one only warms up. */
export async function benchmarkServing(
  job: Job,
  session: Session,
  prepared: Prepared,
  step: number,
  adapter: string | null, // of several side by side
): Promise<ServingFigures> {
  const maxNewTokens = answerCap(job.start.spec.evaluation, prepared.questions);
  const room = session.info.contextLength - maxNewTokens;
  const prompts = prepared.questions
    .flatMap((question) => (question ? [encodePrompt(prepared.text, question.prompt)] : []))
    .filter((prompt) => prompt.length > 0 && prompt.length <= room)
    .slice(0, atMostQuestions);
  const figures: ServingFigures = {
    latencySeconds: [],
    firstTokenSeconds: [],
    tokensPerSecond: [],
    answerTokens: 0,
    decodeSeconds: 0,
  };
  const progress = new ProgressTeller(job);
  const began = performance.now();
  for (const [i, prompt] of prompts.entries()) {
    const spent = (performance.now() - began) / 1000;
    if (spent > atMostSeconds) break;
    heartbeat(job, "benchmark", step, 30);
    const asked = performance.now();
    let firstAt: number | null = null;
    const { timing } = await engineCall(job.control, () =>
      session.generate({
        prompts: [prompt],
        maxNewTokens,
        temperature: 0,
        topK: 0,
        topP: 1,
        seed: 0,
        stopTokens: prepared.text.stopTokens,
        ...(adapter ? { adapter } : {}),
        onToken: () => {
          firstAt ??= performance.now();
        },
      }),
    );
    const seconds = (performance.now() - asked) / 1000;
    if (i > 0 || prompts.length === 1) {
      figures.latencySeconds.push(seconds);
      // A model that stops at once gives no token; then the whole answer is the time to the first sign.
      figures.firstTokenSeconds.push(firstAt === null ? seconds : (firstAt - asked) / 1000);
      // The first token comes with the question; only what follows it is generation. Two or three tokens are too few for a speed.
      if (timing.newTokens >= fewestTokens && timing.decodeSeconds > 0)
        figures.tokensPerSecond.push((timing.newTokens - 1) / timing.decodeSeconds);
      figures.answerTokens += timing.newTokens;
      figures.decodeSeconds += timing.decodeSeconds;
    }
    progress.tell({
      stage: "benchmark",
      step,
      totalSteps: step,
      fraction: Math.max((i + 1) / prompts.length, Math.min(1, spent / atMostSeconds)),
      etaSeconds: Math.max(0, Math.min(atMostSeconds - spent, (prompts.length - i) * seconds)),
      note: "one question at a time",
    });
  }
  return figures;
}
