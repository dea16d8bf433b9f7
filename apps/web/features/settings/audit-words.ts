import type { Names } from "@anneal/contracts";
import { withNames } from "../../lib/names.ts";

interface AuditRow {
  subject: string;
  details: Record<string, unknown>;
  names: Names;
}

const uuid = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g;
const digest = /sha256:([0-9a-f]{12})[0-9a-f]{52}/g;

// Names where there are any; of ids and digests their beginning, as the whole stands in the tooltip.
const short = (text: string, names: Names) =>
  withNames(text, names)
    .replace(digest, "$1")
    .replace(uuid, (id) => id.slice(0, 8));

/** What something was done to, as people call it. */
export function subjectWords({ subject, details, names }: AuditRow): string {
  const own = [details.name, details.fileName, details.email].find((text) => typeof text === "string");
  return names[subject] ?? own ?? short(subject, names);
}

/** What else was told of it; the subject's own name is not said twice. */
export function detailPairs(row: AuditRow): [string, string][] {
  return Object.entries(row.details)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .filter(([, value]) => value !== subjectWords(row))
    .map(([key, value]) => [key.replace(/Id$/, ""), short(plain(value), row.names)]);
}

const plain = (value: unknown): string =>
  typeof value === "string" ? value : Array.isArray(value) ? value.map(plain).join(", ") : JSON.stringify(value);
