import { say } from "@anneal/contracts";
import type { CallOptions, OllamaClient } from "./client.ts";
import { OllamaError } from "./error.ts";
import { displayModelName, parseModelName, sameModelName } from "./names.ts";
import { digestOf, isAnnealSlot, parseServedName, previousName, swapName } from "./slots.ts";

export interface RollbackResult {
  name: string;
  digest: string; // what the name stands for now
  previousDigest: string; // what it stood for before; another rollback brings it back
}

// Puts back the model that the last publication replaced and keeps the replaced one in its place. With `toDigest`
// a repeat after a crash finds out how far it came, and a name that moved on meanwhile is not touched.
export async function rollback(
  client: OllamaClient,
  name: string,
  toDigest: string,
  call: CallOptions = {},
): Promise<RollbackResult> {
  const parsed = parseServedName(name);
  const finalName = displayModelName(parsed);
  const kept = previousName(parsed);
  const swap = swapName(parsed, toDigest);
  const current = await digestOf(client, finalName, call);
  if (current !== toDigest) {
    const keptDigest = await digestOf(client, kept, call);
    if (keptDigest !== toDigest)
      throw new OllamaError(
        "OLLAMA_NOT_FOUND",
        say`${finalName}: the model ${toDigest.slice(0, 12)} is no longer kept by Ollama`,
        {
          remedy: say`publish its artefact again`,
          data: { kept: keptDigest, current },
        },
      );
    if (current) await client.copy(finalName, swap, call);
    await client.copy(kept, finalName, call);
  }
  const swapped = await digestOf(client, swap, call);
  if (swapped) {
    await client.copy(swap, kept, call);
    await client.delete(swap, call);
  }
  return { name: finalName, digest: toDigest, previousDigest: (await digestOf(client, kept, call)) ?? toDigest };
}

// Takes the model and everything kept beside it out of Ollama. Answers false when the name was not there.
export async function unpublish(client: OllamaClient, name: string, call: CallOptions = {}): Promise<boolean> {
  const parsed = parseServedName(name);
  const removed = await client.delete(displayModelName(parsed), call);
  await client.delete(previousName(parsed), call);
  return removed;
}

export interface ExpectedDeployment {
  id: string;
  name: string;
  digest: string; // of the manifest, as `publish` returned it
}

export interface ReconcileReport {
  present: { id: string; name: string }[];
  drifted: { id: string; name: string; expected: string; found: string }[]; // someone else wrote that name
  missing: { id: string; name: string }[];
  // Names that an interrupted publication or rollback left behind; safe to delete when none is under way.
  leftovers: string[];
}

// Compares what the database believes with what the server has. Changes nothing.
export async function reconcile(
  client: OllamaClient,
  expected: ExpectedDeployment[],
  call: CallOptions = {},
): Promise<ReconcileReport> {
  const models = await client.tags(call);
  const report: ReconcileReport = { present: [], drifted: [], missing: [], leftovers: [] };
  for (const { id, name, digest } of expected) {
    const found = models.find((m) => sameModelName(m.name, name));
    if (!found) report.missing.push({ id, name });
    else if (found.digest !== digest) report.drifted.push({ id, name, expected: digest, found: found.digest });
    else report.present.push({ id, name });
  }
  const keptSlots = expected.map(({ name }) => previousName(parseModelName(name)));
  for (const { name } of models)
    if (isAnnealSlot(name) && !keptSlots.some((kept) => sameModelName(kept, name))) report.leftovers.push(name);
  return report;
}
