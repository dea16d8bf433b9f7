import { type WorkKind, workCatalogue } from "@anneal/contracts";
import type { WorkContext } from "../context.ts";
import { answer } from "./answers.ts";
import type { WorkPort } from "./port.ts";

/** A worker's own questions: work of its roles is done in this process, other work is asked of other workers. */
export function workHere(
  own: Omit<WorkContext, "work" | "actor" | "signal" | "projectId">,
  elsewhere?: { roles: readonly string[]; port: WorkPort },
): WorkPort {
  const port: WorkPort = {
    async ask(asker, kind: WorkKind, input, options = {}) {
      const { role, input: type } = workCatalogue[kind];
      if (elsewhere && !elsewhere.roles.includes(role))
        return (await elsewhere.port.ask(asker, kind, input, options)) as never;
      const { actor, projectId, signal } = asker;
      const db = projectId ? own.db.inProject(projectId) : own.db;
      const tell = options.onProgress ?? (() => undefined);
      return (await answer(
        { ...own, db, projectId, actor, signal, work: port },
        kind,
        type.parse(input) as never,
        tell,
      )) as never;
    },
  };
  return port;
}
