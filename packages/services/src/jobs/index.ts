export { type JobKind, type JobRow, type JobTable, leaseOver, owed, queueOrder, queuePosition } from "./kind.ts";
export { afterFailure, type ClaimOptions, type JobClaim, type Leases, leases } from "./leases.ts";
export {
  answers,
  freeKey,
  type IdempotencyKey,
  idempotencyKey,
  jobOfKey,
  type KeyedJob,
  type NewJob,
  openJob,
} from "./open.ts";
export { limitProblem } from "./problems.ts";
