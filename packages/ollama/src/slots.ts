import { createHash } from "node:crypto";
import { say } from "@anneal/contracts";
import type { CallOptions, OllamaClient } from "./client.ts";
import { OllamaError } from "./error.ts";
import { displayModelName, type ModelName, parseModelName, sameModelName, withTag } from "./names.ts";
import type { ListedModel } from "./replies.ts";

const marker = "anneal-";
const short = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

// A name that a model is served under. The server reads the tags below as "where from" marks, not as tags.
export function parseServedName(text: string): ModelName {
  const name = parseModelName(text);
  const tag = name.tag.toLowerCase();
  if (tag === "cloud" || tag === "local" || tag.endsWith("-cloud"))
    throw new OllamaError(
      "OLLAMA_NAME_INVALID",
      say`model name "${text}": Ollama reads the tag "${name.tag}" as a source mark`,
      {
        remedy: say`choose another tag`,
        data: { part: "tag" },
      },
    );
  if (tag.startsWith(marker))
    throw new OllamaError(
      "OLLAMA_NAME_INVALID",
      say`model name "${text}": tags beginning with "${marker}" are Anneal's own`,
      {
        remedy: say`choose another tag`,
        data: { part: "tag" },
      },
    );
  return name;
}

// NAME:anneal-<digest12>: where a model is made and proven before it takes its final name.
export const stagingName = (name: ModelName, fingerprint: string): string =>
  displayModelName(withTag(name, `${marker}${short(`${name.tag.toLowerCase()} ${fingerprint}`)}`));

// Where the model that a publication or rollback replaced stays, one per final name.
export const previousName = (name: ModelName): string =>
  displayModelName(withTag(name, `${marker}previous-${short(name.tag.toLowerCase())}`));

export const swapName = (name: ModelName, digest: string): string =>
  displayModelName(withTag(name, `${marker}swap-${short(`${name.tag.toLowerCase()} ${digest}`)}`));

export const isAnnealSlot = (name: string): boolean => parseModelName(name).tag.toLowerCase().startsWith(marker);

export async function listedModel(client: OllamaClient, name: string, call: CallOptions): Promise<ListedModel | null> {
  return (await client.tags(call)).find((m) => sameModelName(m.name, name)) ?? null;
}

// The manifest digest (64 hex digits) that a name stands for now.
export async function digestOf(client: OllamaClient, name: string, call: CallOptions): Promise<string | null> {
  return (await listedModel(client, name, call))?.digest ?? null;
}
