import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { genesisMac, rowMac, sealMac, type TrailRow } from "./canonical.ts";
import { type Seal, verifyTrail } from "./verify.ts";

const key = randomBytes(32);
const adopted = 6;

// One of the trails of this test: 6 rows of before the chain, 18 of since.
function makeTrail() {
  const rows: TrailRow[] = Array.from({ length: 24 }, (_, i) => {
    const row = {
      id: randomUUID(),
      projectId: i % 3 === 0 ? null : randomUUID(),
      time: new Date(Date.UTC(2026, 0, 1) + i * 1000),
      actorKind: "user",
      actorId: `u${i % 4}`,
      actorName: `Ada ${i % 4}`,
      action: ["run.create", "run.cancel", "token.revoke"][i % 3] ?? "",
      subject: randomUUID(),
      details: { name: `n${i}`, nested: { b: i, a: [1, "x"] } },
    };
    return { ...row, mac: i < adopted ? null : rowMac(key, row) };
  });
  const genesis = { adopted, time: "2026-01-01T00:00:00.000Z" };
  return { rows, seals: link(key, rows, genesis), begun: genesisMac(key, genesis) };
}

function link(by: Buffer, rows: TrailRow[], genesis: { adopted: number; time: string }): Seal[] {
  const seals: Seal[] = [{ number: 0, auditId: null, mac: genesisMac(by, genesis), genesis }];
  for (const row of rows) {
    const number = seals.length;
    seals.push({ number, auditId: row.id, mac: sealMac(by, number, seals.at(-1)?.mac ?? "", row), genesis: null });
  }
  return seals;
}

type Trail = ReturnType<typeof makeTrail>;
const any = (count: number) => Math.floor(Math.random() * count);
const copy = (trail: Trail): Trail => structuredClone(trail);

/** Changes some one thing of a row, as a writer of the table can. */
function disturb(row: TrailRow): void {
  const changes: (() => unknown)[] = [
    () => (row.actorId += "x"),
    () => (row.actorName = `Eve ${any(99)}`),
    () => (row.actorKind = "system"),
    () => (row.action = `run.${any(999)}`),
    () => (row.subject = randomUUID()),
    () => (row.details = { ...row.details, name: randomUUID() }),
    () => (row.details = {}),
    () => (row.projectId = row.projectId ? null : randomUUID()),
  ];
  changes[any(changes.length)]?.();
}

const tamperings: Record<string, (trail: Trail) => void> = {
  "a row is changed": ({ rows }) => disturb(rows[any(rows.length)] as TrailRow),
  "a row is back-dated": ({ rows }) => {
    const row = rows[any(rows.length)] as TrailRow;
    row.time = new Date(row.time.getTime() - 1 - any(1e9));
  },
  "a row is removed": ({ rows }) => void rows.splice(any(rows.length), 1),
  "a row is removed with its link": ({ rows, seals }) => {
    const [gone] = rows.splice(any(rows.length - 1), 1);
    seals.splice(
      seals.findIndex(({ auditId }) => auditId === gone?.id),
      1,
    );
  },
  "a row and its link are removed, and the links numbered anew": ({ rows, seals }) => {
    const [gone] = rows.splice(any(rows.length - 1), 1);
    seals.splice(
      seals.findIndex(({ auditId }) => auditId === gone?.id),
      1,
    );
    for (const [i, seal] of seals.entries()) seal.number = i;
  },
  "a row is doubled": ({ rows }) => void rows.push({ ...(rows[any(rows.length)] as TrailRow), id: randomUUID() }),
  "a row and its link are doubled": ({ rows, seals }) => {
    const at = any(rows.length);
    rows.push({ ...(rows[at] as TrailRow), id: randomUUID() });
    seals.push({ ...(seals[at + 1] as Seal), number: seals.length, auditId: rows.at(-1)?.id ?? null });
  },
  "two rows change places": ({ seals }) => {
    const a = 1 + any(seals.length - 2);
    const [one, two] = [seals[a] as Seal, seals[a + 1] as Seal];
    [one.auditId, two.auditId] = [two.auditId, one.auditId];
  },
  "two links change places": ({ seals }) => {
    const a = 1 + any(seals.length - 2);
    const [one, two] = [seals[a] as Seal, seals[a + 1] as Seal];
    [one.number, two.number] = [two.number, one.number];
  },
  "a row is added": ({ rows }) => {
    rows.push({ ...(rows[0] as TrailRow), id: randomUUID(), mac: any(2) ? null : randomBytes(32).toString("hex") });
  },
  "the chain is built anew without the key": (trail) => {
    const other = randomBytes(32);
    const row = trail.rows[any(trail.rows.length)] as TrailRow;
    disturb(row);
    for (const one of trail.rows) if (one.mac) one.mac = rowMac(other, one);
    trail.seals = link(other, trail.rows, { adopted, time: "2026-01-01T00:00:00.000Z" });
  },
  "all is taken for rows of before": (trail) => {
    const genesis = { adopted: trail.rows.length, time: "2026-01-01T00:00:00.000Z" };
    (trail.seals[0] as Seal).genesis = genesis;
    disturb(trail.rows[adopted + any(trail.rows.length - adopted)] as TrailRow);
  },
  "the chain is removed": (trail) => void trail.seals.splice(0),
  "the end is cut off": ({ rows, seals }) => {
    const length = 1 + any(rows.length);
    rows.splice(rows.length - length);
    seals.splice(seals.length - length);
  },
};

describe("the audit trail's chain", () => {
  const whole = makeTrail();
  const exported = { number: whole.seals.length - 1, mac: whole.seals.at(-1)?.mac ?? "" };

  it("holds what nobody touched (negative control)", () => {
    const verdict = verifyTrail(key, { ...whole, head: exported });
    expect(verdict).toEqual({ rows: 24, waiting: 0, head: exported, findings: [] });
    const details = (whole.rows[15] as TrailRow).details as { name: string; nested: { a: unknown; b: unknown } };
    const turned = copy(whole); // jsonb keeps no order of keys
    (turned.rows[15] as TrailRow).details = {
      nested: { a: details.nested.a, b: details.nested.b },
      name: details.name,
    };
    expect(verifyTrail(key, turned).findings).toEqual([]);
  });
  it("takes a row of its own that waits for its link, and grows past an exported head", () => {
    const { rows, seals, begun } = copy(whole);
    const last = seals.pop() as Seal;
    expect(verifyTrail(key, { rows, seals, begun })).toMatchObject({ waiting: 1, findings: [] });
    const earlier = { number: last.number - 3, mac: whole.seals[last.number - 3]?.mac ?? "" };
    expect(verifyTrail(key, { ...whole, head: earlier }).findings).toEqual([]);
  });
  it("tells of each of 10,000 random tamperings", { timeout: 120_000 }, () => {
    const kinds = Object.entries(tamperings);
    const missed: string[] = [];
    for (let i = 0; i < 10_000; i++) {
      const [name, tamper] = kinds[i % kinds.length] as (typeof kinds)[number];
      const trail = copy(whole);
      tamper(trail);
      if (verifyTrail(key, { ...trail, head: exported }).findings.length === 0) missed.push(name);
    }
    expect(missed).toEqual([]);
  });
  it("needs the exported head for its end alone (negative control)", () => {
    const { rows, seals, begun } = copy(whole);
    rows.splice(20);
    seals.splice(21);
    expect(verifyTrail(key, { rows, seals, begun }).findings).toEqual([]);
  });
});
