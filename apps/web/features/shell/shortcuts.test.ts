import { describe, expect, it } from "vitest";
import { ShortcutMatcher } from "./shortcuts.ts";

function matcher() {
  const ran: string[] = [];
  const of = (keys: string) => ({ keys, run: () => void ran.push(keys) });
  return { ran, matcher: new ShortcutMatcher([of("g r"), of("g d"), of("n"), of("?")]) };
}

describe("ShortcutMatcher", () => {
  it("runs a sequence", () => {
    const { ran, matcher: m } = matcher();
    expect(m.press("g", 0)).toBe(false);
    expect(m.press("r", 400)).toBe(true);
    expect(ran).toEqual(["g r"]);
  });
  it("forgets after a second", () => {
    const { ran, matcher: m } = matcher();
    m.press("g", 0);
    m.press("r", 1500);
    expect(ran).toEqual([]);
  });
  it("lets the key that breaks a sequence begin another", () => {
    const { ran, matcher: m } = matcher();
    m.press("g", 0);
    m.press("n", 100);
    m.press("g", 200);
    m.press("g", 300);
    m.press("d", 400);
    expect(ran).toEqual(["n", "g d"]);
  });
});
