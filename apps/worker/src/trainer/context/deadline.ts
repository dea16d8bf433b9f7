import { Script } from "node:vm";

// The only way to stop a regular expression that this very thread is at: a script with a time limit.
const key = Symbol.for("anneal.trainer.withinSeconds");
const holder = globalThis as { [key]?: () => unknown };
const script = new Script(`globalThis[Symbol.for("anneal.trainer.withinSeconds")]()`);

/** What the work gives; where it does not end in time, what `late` gives is thrown. */
export function withinSeconds<T>(seconds: number, work: () => T, late: () => Error): T {
  holder[key] = work;
  try {
    return script.runInThisContext({ timeout: seconds * 1000 }) as T;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") throw late();
    throw error;
  } finally {
    delete holder[key];
  }
}
