import { describe, expect, it } from "vitest";
import { storableJson, storableText } from "./storable.ts";

describe("what Postgres cannot store", () => {
  it("is replaced where it stands", () => {
    expect(storableText("\0answer\0")).toBe("\u2400answer\u2400");
    expect(storableText("half \ud83d of a pair, and \udc4d alone")).toBe("half \ufffd of a pair, and \ufffd alone");
  });
  it("leaves everything else as it is, pairs and escapes written out among it", () => {
    for (const text of ["", "👍🏽", "\\u0000", "\u0001\u001f\u007f\ufffe", "\ufffd\u2400"])
      expect(storableText(text)).toBe(text);
  });
  it("is replaced at any depth of JSON, in keys too", () => {
    const value = { a: ["\0", { "k\0": "\ud800" }], n: null, at: new Date(0), pair: "👍", written: "\\u0000" };
    expect(JSON.parse(storableJson(value))).toEqual({
      a: ["\u2400", { "k\u2400": "\ufffd" }],
      n: null,
      at: "1970-01-01T00:00:00.000Z",
      pair: "👍",
      written: "\\u0000",
    });
  });
});
