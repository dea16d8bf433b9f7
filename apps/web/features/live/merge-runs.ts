import type { DeploymentSummary, RunDetail, RunStatus, RunSummary } from "@anneal/contracts";

// What the stream of all runs told, put into what pages have loaded. Pure: tells what can only be asked for again.

export interface RunListPage {
  items: RunSummary[];
  nextCursor: string | null;
  counts: Partial<Record<RunStatus, number>>;
}
export interface RunListInput {
  status?: readonly RunStatus[] | undefined;
  search?: string | undefined;
}

/** The pages with the told runs in them; `stale` where another look is owed: rows came, went, or moved in the queue. */
export function mergeRuns(
  pages: readonly RunListPage[],
  input: RunListInput,
  told: readonly RunSummary[],
  statusBefore: (runId: string) => RunStatus | undefined,
): { pages: RunListPage[]; stale: boolean; changed: boolean } {
  const byId = new Map(told.map((run) => [run.id, run]));
  const present = new Map(pages.flatMap(({ items }) => items.map((run) => [run.id, run] as const)));
  const last = pages.at(-1);
  const oldest = last?.nextCursor ?? null;
  const newest = pages[0]?.items[0]?.id ?? "";
  const fits = (run: RunSummary) => !input.status || input.status.includes(run.status);
  let stale = false;
  for (const run of told) {
    const known = present.get(run.id);
    if (known) stale ||= known.status !== run.status && (!fits(run) || [known.status, run.status].includes("queued"));
    else if (fits(run) && (oldest === null || run.id > oldest)) {
      // Whether a search finds it only the server knows: it is asked of new runs and of changes, not of every progress.
      const before = statusBefore(run.id);
      stale ||= input.search ? run.id > newest && before === undefined : true;
      stale ||= before !== undefined && before !== run.status;
    }
  }
  const touched = told.some(({ id }) => present.has(id));
  const recount = (counts: RunListPage["counts"]) => {
    const next = { ...counts };
    for (const run of told) {
      const known = present.get(run.id);
      if (!known || known.status === run.status) continue;
      next[known.status] = Math.max(0, (next[known.status] ?? 0) - 1);
      next[run.status] = (next[run.status] ?? 0) + 1;
    }
    return next;
  };
  return {
    stale,
    changed: touched,
    pages: touched
      ? pages.map((page) => ({
          ...page,
          items: page.items.map((old) => byId.get(old.id) ?? old),
          counts: recount(page.counts),
        }))
      : [...pages],
  };
}

/** A run's page with what was told of it; `stale`: it has entered another status, or a publication that the page does not know. */
export function mergeDetail(detail: RunDetail, told: RunSummary): { detail: RunDetail; stale: boolean } {
  const { deployments, stale } = mergeDeployments(detail.deployments, [told], detail.id);
  return { detail: { ...detail, ...told, deployments }, stale: stale || detail.status !== told.status };
}

/** Publications with how they stand now; `stale`: one is missing, or has come to another status, which changes more of it. */
export function mergeDeployments(
  loaded: readonly DeploymentSummary[],
  told: readonly RunSummary[],
  onlyRun?: string,
): { deployments: DeploymentSummary[]; stale: boolean } {
  const now = new Map(
    told.filter(({ id }) => !onlyRun || id === onlyRun).flatMap((run) => run.publications.map((one) => [one.id, one])),
  );
  const known = new Map(loaded.map((row) => [row.id, row]));
  let stale = false;
  for (const [id, { status }] of now) stale ||= known.get(id)?.status !== status;
  return { deployments: loaded.map((row) => ({ ...row, ...now.get(row.id) })), stale };
}
