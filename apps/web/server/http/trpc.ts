import { api, mostBatchedCalls } from "@anneal/contracts";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { retryAfterOf, rootText, toProblem, toTrpcError } from "../errors.ts";
import { contextFor, identify, signedOut } from "../identify.ts";
import { appRouter } from "../router.ts";
import { capBody } from "./body.ts";
import { edge } from "./edge.ts";

const maxBodyBytes = 4 * 1024 * 1024;

// A stream begins with 200 and tells refusals inside, where typed clients read them. Who shows nothing at all is refused before.
const streams = new Set(
  Object.entries(api).flatMap(([group, verbs]) =>
    Object.entries(verbs).flatMap(([name, { kind }]) => (kind === "subscription" ? [`${group}.${name}`] : [])),
  ),
);
function refuseBareStream({ url, headers }: Request): void {
  const path = new URL(url).pathname.split("/").at(-1) ?? "";
  if (streams.has(path) && !headers.has("authorization") && !headers.has("cookie")) throw signedOut();
}

export const handleTrpc = edge(async (request, server) => {
  refuseBareStream(request);
  return fetchRequestHandler({
    endpoint: "/api/trpc",
    req: capBody(request, maxBodyBytes),
    router: appRouter,
    maxBatchSize: mostBatchedCalls,
    allowMethodOverride: true, // queries whose input is too long for an address come by POST
    responseMeta: ({ errors }) => {
      const wait = errors.map((error) => retryAfterOf(toProblem(error))).find((seconds) => seconds !== null);
      return wait ? { headers: { "retry-after": wait } } : {};
    },
    async createContext() {
      const caller = await identify(server, request).catch((error: unknown) => {
        throw toTrpcError(error);
      });
      return {
        services: contextFor(server, caller, request.signal),
        authenticated: caller !== null,
        guardStream: (signal: AbortSignal) => server.openStreams.guard(caller?.credential ?? null, signal),
        validateOutputs: server.env.validateOutputs,
      };
    },
    onError({ error, path }) {
      if (toProblem(error).code !== "INTERNAL") return;
      server.log.error({ path, error: rootText(error) }, "a procedure failed");
    },
  });
});
