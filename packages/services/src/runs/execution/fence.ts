import { ServiceError, say } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { and, eq, type SQL } from "drizzle-orm";

const { runs } = schema;

/** Who writes: a claim's number. `check` is false only in the negative control of the chaos test. */
export interface Claim {
  runId: string;
  attempt: number;
  check: boolean;
}

export function staleAttempt(claim: Claim, current: number | null): ServiceError {
  return new ServiceError(
    "STALE_ATTEMPT",
    current === null
      ? say`attempt ${claim.attempt} of run ${claim.runId} has been taken over`
      : say`attempt ${claim.attempt} of run ${claim.runId} has been taken over by attempt ${current}`,
    { remedy: say`nothing to do: the newer attempt continues` },
  );
}

export const owned = (claim: Claim): SQL | undefined =>
  claim.check ? and(eq(runs.id, claim.runId), eq(runs.attempt, claim.attempt)) : eq(runs.id, claim.runId);

/** Takes the run's row lock and refuses a claim that is not the newest; every write of a worker starts with it. */
export async function lockOwned(tx: Transaction, claim: Claim): Promise<typeof runs.$inferSelect> {
  const [row] = await tx.select().from(runs).where(eq(runs.id, claim.runId)).for("update");
  if (!row) throw staleAttempt(claim, null);
  if (claim.check && row.attempt !== claim.attempt) throw staleAttempt(claim, row.attempt);
  return row;
}
