import type { RunDetail } from "@anneal/contracts";
import { faultsOf, type RunFacts } from "../support/run-record.ts";
import { type Lab, trainedDigests } from "../support/worker-lab.ts";

export const chaosName = "chaos-colours";

export interface Reference {
  digest: string; // of the trained state
  files: string[]; // every file but the report, which tells times
}

const filesOf = (run: RunDetail) =>
  run.artifacts.filter(({ kind }) => kind !== "report").map(({ kind, name, digest }) => `${kind} ${name} ${digest}`);

export async function referenceOf(lab: Lab, run: RunDetail): Promise<Reference> {
  const [digest = "none"] = await trainedDigests(lab.ctx, run.id);
  return { digest, files: filesOf(run) };
}

/** What a run that was disturbed does not have in common with the undisturbed one. */
export async function differences(
  lab: Lab,
  run: RunDetail,
  reference: Reference,
  facts: RunFacts,
  ollamaNames: () => Promise<string[]>,
): Promise<string[]> {
  if (run.status !== "succeeded") return [`the run ${run.status}: ${run.problem?.message ?? "no reason"}`];
  const faults = await faultsOf(lab.ctx, run, facts);
  const digests = await trainedDigests(lab.ctx, run.id);
  if (digests.length !== 1 || digests[0] !== reference.digest)
    faults.push(`the trained state is ${digests.join(" and ")}, not ${reference.digest}`);
  for (const file of filesOf(run)) if (!reference.files.includes(file)) faults.push(`${file} is not as undisturbed`);
  for (const file of reference.files) if (!filesOf(run).includes(file)) faults.push(`${file} is missing`);

  const [deployment] = run.deployments;
  if (run.deployments.length !== 1) faults.push(`${run.deployments.length} publications instead of one`);
  if (deployment?.status !== "live" && deployment?.status !== "superseded")
    faults.push(`the publication is ${deployment?.status}: ${deployment?.problem?.message ?? "no reason"}`);
  const served = (await ollamaNames()).filter((name) => name.startsWith(chaosName));
  const finals = served.filter((name) => name === `${chaosName}:latest` || name === chaosName);
  if (finals.length !== 1) faults.push(`Ollama serves ${finals.length} models named ${chaosName}`);
  return faults;
}
