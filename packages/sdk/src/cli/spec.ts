import { readFileSync } from "node:fs";
import { type DatasetRow, Id, type Message, ServiceError } from "@anneal/contracts";
import { parse } from "yaml";
import { z } from "zod";
import type { AnnealClient } from "../client.ts";
import { baseRef } from "./session.ts";

export type Tree = { [key: string]: unknown };
const Tree = z.record(z.string(), z.unknown());
export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalid = (field: string, message: string, remedy: string) =>
  new ServiceError("INVALID_INPUT", message, { field, remedy });

/** YAML (JSON is YAML too) from a file, or from standard input when the file is `-`. */
export function readSpecFile(file: string): Tree {
  let value: unknown;
  try {
    value = parse(readFileSync(file === "-" ? 0 : file, "utf8"), { maxAliasCount: 100 });
  } catch (error) {
    throw invalid("--spec", `${file}: ${error instanceof Error ? error.message : String(error)}`, "correct the file");
  }
  const tree = Tree.safeParse(value);
  if (!tree.success)
    throw invalid("--spec", `${file} does not hold a mapping of fields`, "write `base: ...` and so on");
  return tree.data;
}

/** Later trees win, field by field; lists and single values as a whole. */
export function merge(...trees: Tree[]): Tree {
  const merged: Tree = {};
  for (const tree of trees)
    for (const [key, value] of Object.entries(tree)) {
      if (key === "__proto__" || value === undefined) continue;
      const old = Object.hasOwn(merged, key) ? merged[key] : undefined;
      // Another kind of method has other fields; what belonged to the first kind goes.
      const replaced =
        isTree(value) && isTree(old) && value.kind !== undefined && old.kind !== undefined && value.kind !== old.kind;
      merged[key] = isTree(value) && isTree(old) && !replaced ? merge(old, value) : value;
    }
  return merged;
}

/** `a.b.c=VALUE` as a tree; the value is YAML, so numbers, lists and null can be said. */
export function assignment(text: string): Tree {
  const at = text.indexOf("=");
  const path = text.slice(0, at).split(".");
  if (at < 1 || path.some((part) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(part)))
    throw invalid("--set", `"${text}" is not FIELD=VALUE`, "write it like method.rank=32");
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), parse(text.slice(at + 1))) as Tree;
}

/** The remedy for a name that is not there: the first few that are, or how to make one. */
function chooseFrom(those: readonly { name: string }[], otherwise: string): string {
  const names = those.slice(0, 8).map(({ name }) => name);
  return names.length > 0 ? `choose one of ${names.join(", ")}` : otherwise;
}

/** A dataset as people name it: NAME (its newest version), NAME@NUMBER, or a version's id. */
export async function datasetVersionId(client: AnnealClient, named: string, field: string): Promise<string> {
  if (Id.safeParse(named).success) return named;
  const [, name = named, number] = /^(.*)@(\d+)$/.exec(named) ?? [];
  const datasets = await client.datasets.list.query();
  const dataset = datasets.find((one) => one.name === name || one.id === name);
  if (!dataset)
    throw new ServiceError("NOT_FOUND", `there is no dataset "${name}"`, {
      field,
      remedy: chooseFrom(datasets, "upload one: anneal dataset upload FILE --name NAME"),
    });
  const newestFirst = [...dataset.versions].sort((a, b) => b.number - a.number);
  const version = number ? newestFirst.find((one) => one.number === Number(number)) : newestFirst[0];
  if (!version)
    throw new ServiceError("NOT_FOUND", `dataset "${name}" has no version ${number ?? ""}`, {
      field,
      remedy: `it has ${newestFirst.map((one) => one.number).join(", ") || "none"}`,
    });
  return version.id;
}

/** A teacher's file as people name it: its name (the newest of it) or its id. */
export async function teacherFileId(client: AnnealClient, named: string): Promise<string> {
  if (Id.safeParse(named).success) return named;
  const files = await client.teacherFiles.list.query(); // newest first
  const file = files.find((one) => one.name === named);
  if (file) return file.id;
  throw new ServiceError("NOT_FOUND", `there is no teacher file "${named}"`, {
    field: "objective.teacherFile",
    remedy: chooseFrom(files, "make one: anneal teacher make --model MODEL --dataset NAME"),
  });
}

/** The names in a spec become what the server takes. */
export async function resolveNames(client: AnnealClient, spec: Tree): Promise<Tree> {
  const resolved = { ...spec };
  if (typeof spec.base === "string") resolved.base = baseRef(spec.base);
  if (isTree(spec.objective)) {
    const { teacher, teacherFile } = spec.objective;
    resolved.objective = {
      ...spec.objective,
      ...(typeof teacher === "string" ? { teacher: baseRef(teacher) } : {}),
      ...(typeof teacherFile === "string" ? { teacherFile: await teacherFileId(client, teacherFile) } : {}),
    };
  }
  if (typeof spec.dataset === "string") resolved.dataset = await datasetVersionId(client, spec.dataset, "dataset");
  if (isTree(spec.evaluation) && typeof spec.evaluation.dataset === "string")
    resolved.evaluation = {
      ...spec.evaluation,
      dataset: await datasetVersionId(client, spec.evaluation.dataset, "evaluation.dataset"),
    };
  return resolved;
}

const joined = (messages: readonly Message[]): string =>
  messages.map((message) => `${message.role}: ${message.content}`).join(" | ");

export function rowText(row: DatasetRow): string {
  if ("text" in row) return row.text;
  if ("messages" in row) return joined(row.messages);
  if ("chosen" in row) return `${joined(row.prompt)} | chosen ${joined(row.chosen)} | rejected ${joined(row.rejected)}`;
  return `${joined(row.prompt)} | ${row.desirable ? "liked" : "disliked"} ${joined(row.completion)}`;
}
