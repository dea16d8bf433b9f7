import { expect, it } from "vitest";
import { addressWith } from "./use-url-state.ts";

it("writes a choice into the address and leaves the default out", () => {
  expect(addressWith("/runs", "", "status", "failed", "all")).toBe("/runs?status=failed");
  expect(addressWith("/runs", "?status=failed&q=a", "status", "all", "all")).toBe("/runs?q=a");
  expect(addressWith("/runs", "", "q", "a & b", "")).toBe("/runs?q=a+%26+b");
});
