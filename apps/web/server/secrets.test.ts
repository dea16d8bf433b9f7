import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSecrets } from "./secrets.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "anneal-secrets-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("made once, kept, readable by its owner only", () => {
  const first = openSecrets(home);
  expect(statSync(join(home, "secrets/server.key")).mode & 0o777).toBe(0o600);
  const again = openSecrets(home);
  expect(again.sessions).toBe(first.sessions);
  expect(again.hashToken("anl_x")).toBe(first.hashToken("anl_x"));
});

test("another home has another secret, and no purpose shares a key with another", () => {
  const one = openSecrets(home);
  const other = openSecrets(mkdtempSync(join(home, "other-")));
  expect(other.hashToken("anl_x")).not.toBe(one.hashToken("anl_x"));
  expect(one.hashToken("")).not.toBe(one.sessions);
});

test("a broken key is told, not replaced: replacing it would end every session and token", () => {
  openSecrets(home);
  writeFileSync(join(home, "secrets/server.key"), "short");
  expect(() => openSecrets(home)).toThrow(/64 hex digits/);
});
