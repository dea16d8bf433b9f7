import { type Phrase, type Problem, say, told } from "@anneal/contracts";

/** The words of a job that is given up: it broke again and again and got nothing done. */
export const stalledProblem = (subject: Phrase, attempts: number): Problem => ({
  code: "INTERNAL",
  field: null,
  ...told({
    message: say`the ${subject} failed ${attempts} [time|times] in a row without progress`,
    remedy: say`see the last log lines of its attempts; a smaller micro-batch helps if memory ran out`,
  }),
});

/** The words of a job that has waited, or run, longer than it was allowed to. */
export const limitProblem = (subject: Phrase, which: "waiting" | "running", seconds: number): Problem => ({
  code: "PRECONDITION_FAILED",
  field: which === "waiting" ? "waitingLimitSeconds" : "runningLimitSeconds",
  ...told({
    message:
      which === "waiting"
        ? say`the ${subject} has waited longer than its limit of ${seconds} [second|seconds]`
        : say`the ${subject} has run longer than its limit of ${seconds} [second|seconds]`,
    remedy:
      which === "waiting"
        ? say`raise the limit or the priority, or start another worker, and submit it again`
        : say`raise the limit and submit it again; what it has saved is kept`,
  }),
});
