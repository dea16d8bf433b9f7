// How the two systems below us tell that no room is left: by a code, or in the words of another program's message.
const codes = new Set(["ENOSPC", "EDQUOT"]);
const said = /no space left on device|disk quota exceeded/i;

/** Whether an error, or what caused it, is a disk without room (or a quota that is used up). */
export function isDiskFull(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("code" in current && typeof current.code === "string" && codes.has(current.code)) return true;
    if (said.test(current.message)) return true;
  }
  return false;
}

/** The detail of a Problem by which such a pause is known. */
export const diskFullCode = "ENOSPC";
