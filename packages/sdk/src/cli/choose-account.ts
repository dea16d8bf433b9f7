import { ServiceError } from "@anneal/contracts";

/** The account of an e-mail address, among those that were listed. */
export function named<T extends { email: string }>(accounts: readonly T[], email: string): T {
  const found = accounts.find((one) => one.email === email.trim().toLowerCase());
  if (found) return found;
  throw new ServiceError("NOT_FOUND", `there is no account of ${email} here`, {
    remedy: "list them: anneal project members, or anneal user list",
  });
}
