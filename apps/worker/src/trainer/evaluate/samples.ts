import { adaptersOf, type SampleAnswer } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import { answerFrame, encodePrompt } from "@anneal/text";
import type { Cursor } from "../../run-directory/checkpoints.ts";
import { engineCall } from "../context/engine-call.ts";
import { heartbeat, type Job, tell } from "../context/job.ts";
import type { Question } from "../prepare/held-out.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { saidBy } from "./asking.ts";

const ownQuestions = 3; // held-out ones, where the spec names no prompts

type Asked = Pick<Question, "prompt" | "frame"> & { expected: string | null };

function questionsOf(job: Job, prepared: Prepared): Asked[] {
  const { prompts } = job.start.spec.samples;
  if (prompts.length > 0) {
    // The system line that training rows carry belongs to the question, or another prompt would be shown than was trained.
    const system = prepared.questions.find((q) => q?.prompt[0]?.role === "system")?.prompt[0];
    return prompts.map((content) => {
      const prompt = [...(system ? [system] : []), { role: "user" as const, content }];
      const frame = answerFrame(prepared.text, prompt, { role: "assistant", content: "answer" });
      return { prompt, expected: null, frame };
    });
  }
  return prepared.questions.flatMap((question) => (question ? [question] : [])).slice(0, ownQuestions);
}

const lastUserText = (asked: Asked) => asked.prompt.findLast(({ role }) => role === "user")?.content ?? "";

/** Greedy answers to the same few questions as training goes, told once a step. Of adapters side by side the best so far answers. */
export async function tellSamples(job: Job, session: Session, prepared: Prepared, cursor: Cursor): Promise<void> {
  const { step } = cursor;
  if (step <= job.journal.told.samplesStep) return;
  const { maxNewTokens } = job.start.spec.samples;
  const room = session.info.contextLength - maxNewTokens;
  const asked = questionsOf(job, prepared)
    .map((question) => ({ question, tokens: encodePrompt(prepared.text, question.prompt) }))
    .filter(({ tokens }) => tokens.length > 0 && tokens.length <= room);
  if (asked.length === 0) return;
  heartbeat(job, "train", step, 60);
  const adapter = cursor.lastEvaluation?.adapter ?? adaptersOf(job.start.spec)[0]?.name ?? null;
  const { sequences } = await engineCall(job.control, () =>
    session.generate({
      prompts: asked.map(({ tokens }) => tokens),
      maxNewTokens,
      temperature: 0,
      topK: 0,
      topP: 1,
      seed: 0,
      stopTokens: prepared.text.stopTokens,
      ...(adapter ? { adapter } : {}),
    }),
  );
  const samples: Omit<SampleAnswer, "createdAt" | "step">[] = asked.map(({ question }, i) => {
    const said = saidBy(prepared.text, question, sequences[i] ?? { tokens: new Int32Array(), finish: "stop" });
    const { text: answer, thought, cut } = said;
    return { prompt: lastUserText(question), expected: question.expected, answer, thought, cut, adapter };
  });
  tell(job, { type: "samples", step, samples });
}
