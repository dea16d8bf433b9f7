import { z } from "zod";
import { Id } from "../ids.ts";
import { wellFormedText } from "../text.ts";

export const AdapterName = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, "1 to 40 letters, digits, _ or -");

/** An adapter to continue from: that of a run (of several side by side the exported one, or the one named), or a PEFT folder by its absolute path. */
export const AdapterRef = wellFormedText()
  .trim()
  .max(1024)
  .refine((v) => !/\p{Cc}/u.test(v), "must not hold control characters")
  .refine(
    (v) => v.startsWith("/") || runAdapter(v) !== null,
    "must be run:ID, run:ID/ADAPTER or the absolute path of a PEFT folder",
  );
export type AdapterRef = z.infer<typeof AdapterRef>;

/** The parts of run:ID/ADAPTER; null: it is no such reference. */
export function runAdapter(ref: string): { runId: string; adapter: string | null } | null {
  const [, runId = "", adapter] = /^run:([^/]*)(?:\/(.*))?$/.exec(ref) ?? [];
  if (!Id.safeParse(runId).success) return null;
  if (adapter !== undefined && !AdapterName.safeParse(adapter).success) return null;
  return { runId, adapter: adapter ?? null };
}
