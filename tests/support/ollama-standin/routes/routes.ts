import { type Exchange, sendJson, sendText } from "../http.ts";
import type { Standin } from "../standin.ts";
import { headBlob, postBlob } from "./blobs.ts";
import { chat } from "./chat.ts";
import { create } from "./create.ts";
import { embed } from "./embed.ts";
import { generate } from "./generate.ts";
import { openAiModelNamed, openAiModels, running, tags } from "./list.ts";
import { copyModel, deleteModel } from "./manage.ts";
import { show } from "./show.ts";

type Handler = (standin: Standin, exchange: Exchange, parameter: string) => Promise<void>;
interface Route {
  method: string;
  pattern: RegExp;
  handler: Handler;
}

const on = (method: string, path: string, handler: Handler): Route => ({
  method,
  pattern: new RegExp(`^${path.replace(/:\w+/, "([^/]+)")}$`),
  handler,
});
const root: Handler = async (_, { response }) =>
  sendText(response, 200, "text/plain; charset=utf-8", "Ollama is running");
const version: Handler = async (standin, { response }) => sendJson(response, 200, { version: standin.version });
const status: Handler = async (_, { response }) =>
  sendJson(response, 200, { cloud: { disabled: false, source: "none" } });

const routes: Route[] = [
  on("HEAD", "/", root),
  on("GET", "/", root),
  on("HEAD", "/api/version", version),
  on("GET", "/api/version", version),
  on("GET", "/api/status", status),
  on("HEAD", "/api/tags", tags),
  on("GET", "/api/tags", tags),
  on("POST", "/api/show", show),
  on("DELETE", "/api/delete", deleteModel),
  on("POST", "/api/create", create),
  on("HEAD", "/api/blobs/:digest", (standin, exchange, digest) => headBlob(standin.store, exchange, digest)),
  on("POST", "/api/blobs/:digest", (standin, exchange, digest) => postBlob(standin.store, exchange, digest)),
  on("POST", "/api/copy", copyModel),
  on("GET", "/api/ps", running),
  on("POST", "/api/generate", generate),
  on("POST", "/api/chat", chat),
  on("POST", "/api/embed", embed),
  on("GET", "/v1/models", openAiModels),
  on("GET", "/v1/models/:model", openAiModelNamed),
];

export interface Found {
  handler: Handler;
  parameter: string;
}

// The route of a request, or the methods that its path does know.
export function findRoute(method: string, path: string): Found | string[] {
  const allowed: string[] = [];
  for (const route of routes) {
    const found = route.pattern.exec(path);
    if (!found) continue;
    if (route.method === method) return { handler: route.handler, parameter: found[1] ?? "" };
    allowed.push(route.method);
  }
  return allowed;
}
