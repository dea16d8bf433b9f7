/** Why the database did not do what was asked of it, where the cause lies with the database and not with what was asked. */
export type DatabaseTrouble = "away" | "busy" | "full";

const network = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"]);

// Classes of SQLSTATE: 08 connection, 57P operator intervention, 53100 disk full, other 53 resources, 57014 cancelled by a
// time limit, 55P03 lock not had in time, 40 serialisation and deadlock, 25P03/4 idle too long.
function ofCode(code: string): DatabaseTrouble | null {
  if (network.has(code) || /^(08|57P)/.test(code)) return "away";
  if (code === "53100") return "full";
  if (/^(53|57014|55P03|40|25P0[34])/.test(code)) return "busy";
  return null;
}

// pg's own errors carry no code.
function ofMessage(message: string): DatabaseTrouble | null {
  if (/timeout exceeded when trying to connect|query read timeout/i.test(message)) return "busy";
  if (/connection terminated|connection timeout|server closed|not queryable/i.test(message)) return "away";
  return null;
}

/** Looks through an error and its causes; `stop` says behind which error nothing of the database is to be looked for. */
export function databaseTrouble(error: unknown, stop: (error: Error) => boolean = () => false): DatabaseTrouble | null {
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 8; depth++, current = current.cause) {
    if (stop(current)) return null;
    const code = "code" in current && typeof current.code === "string" ? current.code : "";
    const trouble = ofCode(code) ?? ofMessage(current.message);
    if (trouble) return trouble;
  }
  return null;
}
