import { expect, it } from "vitest";
import { detailPairs, subjectWords } from "./audit-words.ts";

const run = "01a22d63-0000-7000-8000-000000000001";
const version = "01a22d63-0000-7000-8000-000000000002";
const digest = `sha256:${"ab".repeat(32)}`;

it("says names for ids, in the subject and in the details", () => {
  const row = {
    subject: run,
    details: { name: "Bank intents", base: `model:${version}`, dataset: version, checkpointId: null },
    names: { [run]: "Bank intents", [version]: "banking v1" },
  };
  expect(subjectWords(row)).toBe("Bank intents");
  expect(detailPairs(row)).toEqual([
    ["base", "banking v1"],
    ["dataset", "banking v1"],
  ]);
});
it("of what is gone the name that was written down, else the beginning of its id", () => {
  expect(subjectWords({ subject: run, details: { name: "old" }, names: {} })).toBe("old");
  expect(subjectWords({ subject: run, details: { fileName: "a.csv", bytes: 3 }, names: {} })).toBe("a.csv");
  expect(subjectWords({ subject: run, details: { email: "ada@example.org" }, names: {} })).toBe("ada@example.org");
  expect(subjectWords({ subject: run, details: {}, names: {} })).toBe("01a22d63");
  expect(subjectWords({ subject: "setup", details: {}, names: {} })).toBe("setup");
});
it("shortens digests and lists, and leaves out what holds nothing", () => {
  const details = { digests: [digest, digest], runId: run, count: 3, none: [], on: false };
  expect(detailPairs({ subject: "x", details, names: {} })).toEqual([
    ["digests", "abababababab, abababababab"],
    ["run", "01a22d63"],
    ["count", "3"],
    ["on", "false"],
  ]);
});
it("a publication renamed since keeps the name it was asked for beside its subject", () => {
  const row = { subject: run, details: { name: "colours" }, names: { [run]: "other" } };
  expect(detailPairs(row)).toEqual([["name", "colours"]]);
});
