import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { type RunSummary, ServiceError } from "@anneal/contracts";
import type { AnnealClient } from "../client.ts";
import { choose, isId, type Named } from "./choose.ts";

// Things as people name them at a command line, as the ids that the server takes. A whole id is taken as it is.

const mostAtOnce = 200;

async function allRuns(client: AnnealClient): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  for (let cursor: string | undefined; ; ) {
    const { items, nextCursor } = await client.runs.list.query({ limit: mostAtOnce, ...(cursor ? { cursor } : {}) });
    found.push(...items);
    if (nextCursor === null) return found;
    cursor = nextCursor;
  }
}

export async function runId(client: AnnealClient, named: string): Promise<string> {
  if (isId(named)) return named;
  return choose(await allRuns(client), named, { what: "run", otherwise: "see anneal run list" }).id;
}

export async function checkpointId(client: AnnealClient, ofRun: string, named: string): Promise<string> {
  if (isId(named)) return named;
  const found = await client.runs.checkpoints.query({ runId: ofRun });
  const those = found.map(({ id, step }) => ({ id, name: String(step) }));
  return choose(those, named, { what: "checkpoint", field: "--checkpoint", otherwise: "name it by its step or its id" })
    .id;
}

export async function deploymentId(client: AnnealClient, named: string): Promise<string> {
  if (isId(named)) return named;
  const found = await client.deployments.list.query({}); // newest first
  // A name of Ollama's stands for what is served under it, or was tried last.
  const ofName = found.filter(({ name }) => name === named);
  const [newest] = ofName;
  if (newest) return (ofName.find(({ status }) => status === "live") ?? newest).id;
  return choose(found, named, { what: "publication", otherwise: "see anneal deploy list" }).id;
}

export async function tokenId(client: AnnealClient, named: string): Promise<string> {
  if (isId(named)) return named;
  return choose(await client.system.tokens.query(), named, { what: "token", otherwise: "see anneal token list" }).id;
}

export async function datasetOf(client: AnnealClient, named: string, field?: string) {
  const datasets = await client.datasets.list.query();
  const otherwise =
    datasets.length > 0 ? "see anneal dataset list" : "upload one: anneal dataset upload FILE --name NAME";
  return choose(datasets, named, { what: "dataset", otherwise, ...(field === undefined ? {} : { field }) });
}

/** NAME (its newest version), NAME@NUMBER, a version's id or some of its beginning. */
export async function datasetVersionId(client: AnnealClient, named: string, field: string): Promise<string> {
  if (isId(named)) return named;
  const datasets = await client.datasets.list.query();
  const [, name = named, number] = datasets.some((one) => one.name === named) ? [] : (/^(.*)@(\d+)$/.exec(named) ?? []);
  const ofVersions = datasets.flatMap((one) =>
    one.versions.map(({ id, number }): Named => ({ id, name: `${one.name}@${number}` })),
  );
  const byId = ofVersions.filter(({ id }) => name.length >= 4 && id.startsWith(name.toLowerCase()));
  if (byId.length > 0 && !datasets.some((one) => one.name === name))
    return choose(byId, name, { what: "dataset version", field, otherwise: "see anneal dataset list" }).id;
  const dataset = await datasetOf(client, name, field);
  const newestFirst = [...dataset.versions].sort((a, b) => b.number - a.number);
  const version = number ? newestFirst.find((one) => one.number === Number(number)) : newestFirst[0];
  if (!version)
    throw new ServiceError("NOT_FOUND", `dataset "${dataset.name}" has no version ${number ?? ""}`, {
      field,
      remedy: `it has ${newestFirst.map((one) => one.number).join(", ") || "none"}`,
    });
  return version.id;
}

/** The newest file of a name, or by its id. */
export async function teacherFileId(client: AnnealClient, named: string): Promise<string> {
  if (isId(named)) return named;
  const files = await client.teacherFiles.list.query(); // newest first
  const newest = files.find((one) => one.name === named);
  if (newest) return newest.id;
  const otherwise = "make one: anneal teacher make --model MODEL --dataset NAME";
  return choose(files, named, { what: "teacher file", field: "objective.teacherFile", otherwise }).id;
}

const looksLikePath = (text: string): boolean => /^[./~]|\.gguf$/i.test(text) || isAbsolute(text);

/**
 * A base model: `ollama:NAME`, a path (made absolute), or the name of a model that the server knows; `model:` goes before a name or an
 * id of the registry. A registered name goes before those that were only found.
 */
export async function baseRef(client: AnnealClient, text: string, field = "base"): Promise<string> {
  const place = () => resolve(text.startsWith("~/") ? homedir() + text.slice(1) : text);
  if (text.startsWith("ollama:")) return text;
  if (looksLikePath(text)) return place();
  const [, name = text] = /^model:(.*)$/.exec(text) ?? [];
  if (name !== text && isId(name)) return text;
  if (name === text && text.includes("/") && existsSync(place())) return place();
  const models = await client.models.list.query();
  const registered = models.flatMap(({ id, name, ref }) => (id === null ? [] : [{ id, name, ref }]));
  const kind = { what: "model", field, otherwise: "see anneal model list, or name a path" };
  if (name !== text) return choose(registered, name, kind).ref;
  const exact = registered.filter((one) => one.name === name);
  if (exact.length > 0) return choose(exact, name, kind).ref;
  if (existsSync(place())) return place();
  return choose(
    models.map((one) => ({ ...one, id: one.id ?? one.ref })),
    name,
    kind,
  ).ref;
}

/** The names of registered models by their references, for people to read. */
export async function modelNames(client: AnnealClient, refs: readonly string[]): Promise<(ref: string) => string> {
  if (!refs.some((ref) => ref.startsWith("model:"))) return (ref) => ref;
  const models = await client.models.list.query();
  const names = new Map(models.map(({ ref, name }) => [ref, name]));
  return (ref) => names.get(ref) ?? ref;
}
