import { expect, it } from "vitest";
import { safeNext } from "./safe-next.ts";

it("keeps a path of this console", () => {
  expect(safeNext("/runs/abc?tab=events")).toBe("/runs/abc?tab=events");
});
it("refuses what leads elsewhere or in a circle", () => {
  for (const next of [
    null,
    "",
    "https://evil.test",
    "//evil.test",
    "/\\evil.test",
    "javascript:alert(1)",
    "/a\nb",
    "/sign-in?next=/sign-in",
  ])
    expect(safeNext(next)).toBe("/runs");
});
