import { readFileSync } from "node:fs";
import { type DatasetRow, type Message, ServiceError } from "@anneal/contracts";
import { parse } from "yaml";
import { z } from "zod";
import type { AnnealClient } from "../client.ts";
import { baseRef, datasetVersionId, runId, teacherFileId } from "./names.ts";

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
  let value: unknown;
  try {
    value = parse(text.slice(at + 1));
  } catch (error) {
    throw invalid("--set", `"${text}": ${error instanceof Error ? error.message : String(error)}`, "give a YAML value");
  }
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree;
}

// run:RUN or run:RUN/ADAPTER, the run by its name or the beginning of its id.
async function withStart(client: AnnealClient, settings: Tree): Promise<Tree> {
  const [, run, adapter = ""] = /^run:([^/]+)(\/.*)?$/.exec(String(settings.startFrom ?? "")) ?? [];
  return run === undefined ? settings : { ...settings, startFrom: `run:${await runId(client, run)}${adapter}` };
}

/** The names in a spec become what the server takes. */
export async function resolveNames(client: AnnealClient, spec: Tree): Promise<Tree> {
  const resolved = { ...spec };
  if (typeof spec.base === "string") resolved.base = await baseRef(client, spec.base);
  if (isTree(spec.objective)) {
    const { teacher, teacherFile } = spec.objective;
    resolved.objective = {
      ...spec.objective,
      ...(typeof teacher === "string" ? { teacher: await baseRef(client, teacher, "objective.teacher") } : {}),
      ...(typeof teacherFile === "string" ? { teacherFile: await teacherFileId(client, teacherFile) } : {}),
    };
  }
  if (isTree(spec.method)) resolved.method = await withStart(client, spec.method);
  if (Array.isArray(spec.adapters))
    resolved.adapters = await Promise.all(
      spec.adapters.map((adapter: unknown) => (isTree(adapter) ? withStart(client, adapter) : adapter)),
    );
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
