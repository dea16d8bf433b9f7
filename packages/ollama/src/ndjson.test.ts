import { describe, expect, it } from "vitest";
import { jsonLines } from "./ndjson.ts";

async function* pieces(...parts: string[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}
async function all(body: AsyncIterable<Buffer>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const value of jsonLines(body, "test")) found.push(value);
  return found;
}
const read = (...parts: string[]) => all(pieces(...parts));

describe("lines of JSON", () => {
  it("may be cut anywhere, and the last needs no newline", async () => {
    expect(await read('{"a"', ':1}\n{"b":', '2}\n\n{"c":3}')).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
  });
  it("keep characters that are cut in two", async () => {
    const bytes = Buffer.from('{"a":"é😀"}\n');
    async function* single() {
      for (const byte of bytes) yield Buffer.from([byte]);
    }
    expect(await all(single())).toEqual([{ a: "é😀" }]);
  });
  it("that are none are a fault of the protocol", async () => {
    await expect(read("<html>\n")).rejects.toMatchObject({ code: "OLLAMA_PROTOCOL" });
  });
});
