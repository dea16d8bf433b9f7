import { expect, test } from "vitest";
import { createDevices } from "./devices.ts";
import { createRateLimits } from "./rate-limit.ts";

const key = Buffer.alloc(32, 7);
const headersWith = (cookie: string) => new Headers({ cookie });

test("a browser's mark is for one account, and cannot be made up", () => {
  const devices = createDevices(key, false);
  const cookie = devices.cookie("ada@example.com").split(";")[0] ?? "";
  expect(devices.of(headersWith(`other=1; ${cookie}`), "ada@example.com")).toMatch(/^[\w-]{24}$/);
  expect(devices.of(headersWith(cookie), "eve@example.com")).toBeNull();
  expect(devices.of(headersWith(`${cookie}x`), "ada@example.com")).toBeNull();
  expect(devices.of(headersWith("anneal.device=made.up"), "ada@example.com")).toBeNull();
  expect(createDevices(Buffer.alloc(32, 8), false).of(headersWith(cookie), "ada@example.com")).toBeNull();
  expect(devices.of(new Headers(), "ada@example.com")).toBeNull();
});

const ada = { email: "ada@example.com", address: "10.0.0.1", device: null };
const isTaken = (limits: ReturnType<typeof createRateLimits>, guess: Parameters<typeof limits.takeSignIn>[0]) => {
  try {
    limits.takeSignIn(guess);
    return true;
  } catch {
    return false;
  }
};

test("strangers who use up the tries of an account shut out neither another address nor a known browser", () => {
  const limits = createRateLimits(() => 0);
  for (let i = 0; i < 10; i++) expect(isTaken(limits, ada)).toBe(true);
  expect(isTaken(limits, ada)).toBe(false);
  expect(isTaken(limits, { ...ada, address: "10.0.0.2" })).toBe(true);
  // From everywhere at once: the account is shut for strangers, and its own browser goes in.
  for (let i = 0; i < 300; i++) isTaken(limits, { ...ada, address: `10.1.0.${i}` });
  expect(isTaken(limits, { ...ada, address: "10.9.9.9" })).toBe(false);
  expect(isTaken(limits, { ...ada, device: "known" })).toBe(true);
});

test("a known browser's guesses are counted too, and forgotten when it gets in", () => {
  const limits = createRateLimits(() => 0);
  const known = { ...ada, device: "known" };
  for (let i = 0; i < 10; i++) expect(isTaken(limits, known)).toBe(true);
  expect(isTaken(limits, known)).toBe(false);
  const fresh = createRateLimits(() => 0);
  for (let i = 0; i < 30; i++) fresh.takeSignIn(known)();
  expect(isTaken(fresh, known)).toBe(true);
});
