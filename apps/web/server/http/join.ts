import { ServiceError, say } from "@anneal/contracts";
import { workers } from "@anneal/services";
import { peerOf } from "../peer.ts";
import { readJson } from "./body.ts";
import { edge } from "./edge.ts";

const loopback = /^(localhost|127\.|\[?::1\]?$)/;

/** POST {token, name, version, protocol}: a machine joins as a worker; the answer is where the database is. */
export const postJoin = edge(async (request, server) => {
  const database = server.env.workerDatabaseUrl ?? server.env.databaseUrl ?? "";
  const host = new URL(database).hostname;
  // Before the token is spent.
  if ((host === "" || loopback.test(host)) && !loopback.test(peerOf(request.headers)))
    throw new ServiceError("PRECONDITION_FAILED", say`the database can be reached on the console's own machine only`, {
      remedy: say`run a Postgres that both machines reach (DATABASE_URL), or set ANNEAL_WORKER_DATABASE_URL on the console's machine`,
    });
  await workers.join(server.services, await readJson(request, 64 * 1024));
  return Response.json({ databaseUrl: database });
});
