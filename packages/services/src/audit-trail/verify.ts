import { type Genesis, genesisMac, rowMac, sealMac, type TrailRow } from "./canonical.ts";

export interface Seal {
  number: number;
  auditId: string | null;
  mac: string;
  genesis: Genesis | null;
}
export interface Head {
  number: number;
  mac: string;
}
export interface Finding {
  kind: "genesis" | "gap" | "missing" | "changed" | "doubled" | "added" | "broken" | "head";
  /** The seal's number, or the row's id. */
  at: string;
}
export interface Verdict {
  rows: number;
  /** Rows written a moment ago that the chain takes next. */
  waiting: number;
  head: Head | null;
  findings: Finding[];
}

/**
 * Holds the trail against its chain: every link follows from the one before and from its row, every row has one link. What was cut
 * off at the end shows against a head that was exported before.
 */
export function verifyTrail(
  key: Buffer,
  { rows, seals, begun, head }: { rows: TrailRow[]; seals: Seal[]; begun: string | null; head?: Head | undefined },
): Verdict {
  const findings: Finding[] = [];
  const find = (kind: Finding["kind"], at: string | number) => findings.push({ kind, at: String(at) });
  const byId = new Map<string, TrailRow>();
  for (const row of rows) {
    if (byId.has(row.id)) find("doubled", row.id);
    byId.set(row.id, row);
  }
  const ordered = [...seals].sort((a, b) => a.number - b.number);
  const [first, ...links] = ordered;
  const adopted = first?.genesis?.adopted ?? 0;
  if (first && (first.number !== 0 || !first.genesis || first.mac !== genesisMac(key, first.genesis)))
    find("genesis", 0);
  if (begun !== null && first?.mac !== begun) find("genesis", 0);
  const sealed = new Set<string>();
  let before = first;
  for (const link of links) {
    if (link.number !== (before?.number ?? -1) + 1)
      find(link.number === before?.number ? "doubled" : "gap", link.number);
    const row = link.auditId ? byId.get(link.auditId) : undefined;
    if (link.auditId && sealed.has(link.auditId)) find("doubled", link.auditId);
    if (link.auditId) sealed.add(link.auditId);
    if (!row) find("missing", link.number);
    else if (link.mac !== sealMac(key, link.number, before?.mac ?? "", row)) find("broken", link.number);
    else if (link.number > adopted && row.mac !== rowMac(key, row)) find("changed", row.id);
    before = link;
  }
  let waiting = 0;
  for (const row of byId.values()) {
    if (sealed.has(row.id)) continue;
    // Only what Anneal itself wrote may wait for its link.
    if (row.mac !== null && row.mac === rowMac(key, row)) waiting++;
    else find("added", row.id);
  }
  if (head && ordered.find(({ number }) => number === head.number)?.mac !== head.mac) find("head", head.number);
  return { rows: byId.size, waiting, head: before ? { number: before.number, mac: before.mac } : null, findings };
}
