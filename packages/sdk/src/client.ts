import { mostBatchedCalls } from "@anneal/contracts";
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink, type TRPCClient } from "@trpc/client";
import { EventSource } from "eventsource";
import type { AnnealRouter } from "./router.ts";

export interface Connection {
  /** Such as http://127.0.0.1:3210. */
  url: string;
  /** An API token (anl_...), made under Settings or by `anneal token create`. */
  token?: string | undefined;
}

export type AnnealClient = TRPCClient<AnnealRouter>;

export const baseUrl = (url: string) => url.replace(/\/+$/, "");
export const authHeaders = (token: string | undefined): Record<string, string> =>
  token ? { authorization: `Bearer ${token}` } : {};

/** Every procedure of Anneal, typed. Subscriptions take themselves up again after the last event seen. */
export function createAnnealClient({ url, token }: Connection): AnnealClient {
  const endpoint = `${baseUrl(url)}/api/trpc`;
  const headers = authHeaders(token);
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
