import type { RunStatus } from "@anneal/contracts";
import { watchRun } from "../watch.ts";
import { exitCodes } from "./exit-codes.ts";
import { modelNames } from "./names.ts";
import { RunView } from "./run-view.ts";
import type { Session } from "./session.ts";
import { runSummary } from "./summary.ts";

const exitOf: Partial<Record<RunStatus, number>> = {
  succeeded: exitCodes.ok,
  failed: exitCodes.runFailed,
  cancelled: exitCodes.runStopped,
  paused: exitCodes.runStopped,
};

/** Follows a run to its end; the exit code says how it ended. Ctrl-C leaves it alone. */
export async function watchUntilEnd(session: Session, runId: string): Promise<void> {
  const leave = new AbortController();
  const onInterrupt = () => leave.abort();
  process.once("SIGINT", onInterrupt);
  const view = session.json ? null : new RunView();
  const before = await session.client.runs.get.query({ runId });
  try {
    if (exitOf[before.status] === undefined)
      for await (const event of watchRun(session.client, runId, { signal: leave.signal })) {
        if (session.json) console.log(JSON.stringify(event));
        view?.show(event);
        // A paused run has not ended, but nothing more will come.
        if (event.body.type === "status" && event.body.status === "paused" && event.seq > 0) {
          const now = await session.client.runs.get.query({ runId });
          if (now.status === "paused") break;
        }
      }
  } finally {
    view?.close();
    process.removeListener("SIGINT", onInterrupt);
  }
  if (leave.signal.aborted) {
    console.error(`\ndetached; the run continues. Watch it again: anneal run watch ${runId}`);
    process.exitCode = exitCodes.detached;
    return;
  }
  const run = await session.client.runs.get.query({ runId });
  if (session.json) console.log(JSON.stringify(run));
  else {
    const nameOf = await modelNames(session.client, [run.base]);
    console.log(`\n${runSummary(run, session.connection.url, nameOf(run.base))}`);
  }
  process.exitCode = exitOf[run.status] ?? exitCodes.unexpected;
}
