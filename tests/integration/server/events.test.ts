import { connect, createServer, type Server, type Socket } from "node:net";
import type { RunEvent, RunStatus } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createAnnealClient, watchRun } from "../../../packages/sdk/src/index.ts";
import { appendEvents } from "../../../packages/services/src/runs/append-events.ts";
import { bearer, openSite, type Site } from "./support.ts";

let site: Site;
let runId: string;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());
beforeEach(async () => {
  runId = (await site.lab.createRun()).id;
});

const append = (count: number, first = 0) =>
  site.lab.ctx.db.transaction((tx) =>
    appendEvents(
      tx,
      runId,
      0,
      Array.from({ length: count }, (_, i) => ({
        time: new Date(),
        body: { type: "log" as const, level: "info" as const, message: `line ${first + i}` },
      })),
    ),
  );
async function end(status: RunStatus): Promise<number> {
  return site.lab.ctx.db.transaction(async (tx) => {
    await tx.update(schema.runs).set({ status, finishedAt: new Date() }).where(eq(schema.runs.id, runId));
    return appendEvents(tx, runId, 0, [{ time: new Date(), body: { type: "status", status, problem: null } }]);
  });
}

/** The stream as bytes on the wire: ids and kinds of events, until `enough` or its end. */
async function readStream(lastEventId: string | null, enough: (ids: number[]) => boolean): Promise<number[]> {
  const leave = new AbortController();
  const input = encodeURIComponent(JSON.stringify({ runId }));
  const response = await fetch(`${site.url}/api/trpc/runs.watch?input=${input}`, {
    headers: {
      ...bearer(site.localToken),
      accept: "text/event-stream",
      ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
    },
    signal: leave.signal,
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const ids: number[] = [];
  let text = "";
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const id = /^id: (\d+)$/m.exec(block)?.[1];
        if (id !== undefined) ids.push(Number(id));
        if (/^event: return$/m.test(block)) return ids;
      }
      if (enough(ids)) return ids;
    }
    return ids;
  } finally {
    leave.abort();
  }
}
const upTo = (last: number, first = 0) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("the event stream", () => {
  test("goes on behind the last id seen, with nothing missing or doubled, and ends with the run", async () => {
    const first = await append(20);
    const seen = await readStream(null, (ids) => ids.length >= 7);
    await append(30, 20); // while nobody listens
    const last = await end("failed");
    const rest = await readStream(String(seen.at(-1)), () => false);
    expect(first).toBeGreaterThan(0);
    expect([...seen, ...rest]).toEqual(upTo(last));
  });
  test("without the last id everything is told again (negative control)", async () => {
    await append(5);
    const seen = await readStream(null, (ids) => ids.length >= 3);
    await end("failed");
    const again = await readStream(null, () => false);
    expect(again.slice(0, seen.length)).toEqual(seen);
  });
  test("what happens is told at once", async () => {
    await append(1);
    const stream = readStream(null, (ids) => ids.length >= 8);
    for (let i = 0; i < 7; i++) await append(1, i);
    expect((await stream).slice(0, 8)).toEqual(upTo(7));
  });
  test("leaves nothing behind when the client is gone: hundreds of listeners come and go, and the server still answers", async () => {
    await append(1);
    for (let round = 0; round < 4; round++)
      await Promise.all(Array.from({ length: 25 }, () => readStream(null, (ids) => ids.length >= 1)));
    const client = createAnnealClient({ url: site.url, token: site.localToken });
    expect((await client.runs.get.query({ runId })).id).toBe(runId);
  });
});

/** A wire that can be cut: what goes through it breaks off without warning. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;
  cuts = 0;

  async open(port: number): Promise<string> {
    const server = createServer((from) => {
      const to = connect(port, "127.0.0.1");
      for (const [a, b] of [
        [from, to],
        [to, from],
      ] as const) {
        this.sockets.add(a);
        a.on("error", () => b.destroy());
        a.on("close", () => {
          this.sockets.delete(a);
          b.destroy();
        });
        a.pipe(b);
      }
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  }
  cut(): void {
    this.cuts++;
    for (const socket of this.sockets) socket.destroy();
  }
  close(): void {
    this.cut();
    this.server?.close();
  }
}

describe("the typed client", () => {
  let wire: Wire;
  beforeEach(() => {
    wire = new Wire();
  });
  afterEach(() => wire.close());

  async function collect(
    url: string,
    each: (event: RunEvent, count: number) => Promise<void> | void,
  ): Promise<number[]> {
    const client = createAnnealClient({ url, token: site.localToken });
    const seen: number[] = [];
    for await (const event of watchRun(client, runId)) {
      seen.push(event.seq);
      await each(event, seen.length);
    }
    return seen;
  }

  test("sees every event once though the connection is cut again and again", async () => {
    const url = await wire.open(site.port);
    await append(10);
    const seen = await collect(url, async (_event, count) => {
      if (count % 8 === 0 && count < 40) {
        wire.cut();
        await append(8, count);
      }
      if (count === 40) await end("failed");
    });
    expect(wire.cuts).toBeGreaterThanOrEqual(4);
    expect(seen).toEqual(upTo(seen.length - 1));
    expect(seen.length).toBeGreaterThan(40);
  });
  test("goes on when the server is killed and comes back", async () => {
    await append(5);
    const seen = await collect(site.url, async (_event, count) => {
      if (count !== 5) return;
      await site.restart();
      await append(5, 5);
      await end("succeeded");
    });
    expect(seen).toEqual(upTo(seen.length - 1));
    expect(seen.length).toBeGreaterThan(10);
  });
  test("throws what the server refuses", async () => {
    const client = createAnnealClient({ url: site.url, token: await site.newToken("models:read") });
    await expect(watchRun(client, runId).next()).rejects.toThrow(/runs:read/);
    const admin = createAnnealClient({ url: site.url, token: site.localToken });
    await expect(watchRun(admin, "0191d2a0-0000-7000-8000-000000000000").next()).rejects.toThrow(/no run/);
  });
});
