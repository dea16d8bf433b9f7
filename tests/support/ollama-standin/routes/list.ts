import { ReplyError } from "../faulty.ts";
import type { GoValue } from "../go/go-json.ts";
import { type Exchange, sendJson } from "../http.ts";
import { loadModel, type Model } from "../model.ts";
import type { Standin } from "../standin.ts";
import { findModel, readRef } from "./find-model.ts";
import { details, listEntry } from "./show.ts";

// Newest first, to the second.
async function models(standin: Standin): Promise<Model[]> {
  const found: Model[] = [];
  for (const name of await standin.store.names()) {
    // A model that is deleted or written while the list is made is left out.
    const model = await loadModel(standin.store, name, standin.goTemplates).catch(() => null);
    if (model) found.push(model);
  }
  const seconds = (model: Model) => Math.floor(model.stored.modified.getTime() / 1000);
  return found.sort((a, b) => seconds(b) - seconds(a));
}

export async function tags(standin: Standin, { response }: Exchange): Promise<void> {
  sendJson(response, 200, { models: (await models(standin)).map(listEntry) });
}

export async function running(standin: Standin, { response }: Exchange): Promise<void> {
  const list = standin.runners.list().map(({ model, bytes, contextLength, expiresAt }) => ({
    name: model.short,
    model: model.short,
    size: bytes,
    digest: model.stored.digest,
    details: details(model.config, ""),
    expires_at: new Date(expiresAt * 1000).toISOString(),
    size_vram: 0,
    context_length: contextLength,
  }));
  sendJson(response, 200, { models: list });
}

const openAiModel = (id: string, { stored }: Model): GoValue => ({
  id,
  object: "model",
  created: Math.floor(stored.modified.getTime() / 1000),
  owned_by: stored.name.namespace,
});

export async function openAiModels(standin: Standin, { response }: Exchange): Promise<void> {
  const list = await models(standin);
  const data = list.map((model) => openAiModel(model.short, model));
  sendJson(response, 200, { object: "list", data: data.length > 0 ? data : null }, "application/json");
}

export async function openAiModelNamed(standin: Standin, { response }: Exchange, id: string): Promise<void> {
  const ref = readRef(id, new ReplyError(400, "model is required"));
  const model = await findModel(standin, ref, "full", id);
  sendJson(response, 200, openAiModel(id, model), "application/json");
}
