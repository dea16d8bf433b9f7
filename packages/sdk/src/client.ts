import { mostBatchedCalls, projectHeader } from "@anneal/contracts";
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink, type TRPCClient } from "@trpc/client";
import { EventSource } from "eventsource";
import type { AnnealRouter } from "./router.ts";

export interface Connection {
  /** Such as http://127.0.0.1:3210. */
  url: string;
  /** An API token (anl_...), made under Settings or by `anneal token create`. */
  token?: string | undefined;
  /** Name or id of the project to work in; without it the token's own, or the oldest that is open to it. */
  project?: string | undefined;
}

export type AnnealClient = TRPCClient<AnnealRouter>;

export const baseUrl = (url: string) => url.replace(/\/+$/, "");
export const authHeaders = ({ token, project }: Pick<Connection, "token" | "project">): Record<string, string> => ({
  ...(token ? { authorization: `Bearer ${token}` } : {}),
  ...(project ? { [projectHeader]: encodeURIComponent(project) } : {}),
});

/** Every procedure of Anneal, typed. Subscriptions take themselves up again after the last event seen. */
export function createAnnealClient(connection: Connection): AnnealClient {
  const endpoint = `${baseUrl(connection.url)}/api/trpc`;
  const headers = authHeaders(connection);
  return createTRPCClient<AnnealRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === "subscription",
        true: httpSubscriptionLink({
          url: endpoint,
          EventSource,
          eventSourceOptions: {
            fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
          },
        }),
        // By POST: a plan of a spec with long texts fits into no address.
        false: httpBatchLink({ url: endpoint, headers, methodOverride: "POST", maxItems: mostBatchedCalls }),
      }),
    ],
  });
}
