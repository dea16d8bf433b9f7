import { mostBatchedCalls } from "@anneal/contracts";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { retryAfterOf, rootText, toProblem, toTrpcError } from "../errors.ts";
import { contextFor, identify } from "../identify.ts";
import { appRouter } from "../router.ts";
import { capBody } from "./body.ts";
import { edge } from "./edge.ts";

const maxBodyBytes = 4 * 1024 * 1024;

export const handleTrpc = edge((request, server) =>
  fetchRequestHandler({
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
      const caller = await identify(server, request.headers).catch((error: unknown) => {
        throw toTrpcError(error);
      });
      return {
        services: contextFor(server, caller?.actor ?? null, request.signal),
        authenticated: caller !== null,
        guardStream: (signal: AbortSignal) => server.openStreams.guard(caller?.credential ?? null, signal),
        validateOutputs: server.env.validateOutputs,
      };
    },
    onError({ error, path }) {
      if (toProblem(error).code !== "INTERNAL") return;
      server.log.error({ path, error: rootText(error) }, "a procedure failed");
    },
  }),
);
