import { expect, it } from "vitest";
import { DisplayName } from "./ids.ts";

it.each([
  "Bank intents, second try",
  "R&D: v2 (final)!",
  "O'Neill's model",
  "3 × 2 + 1 = 7",
  "银行意图，第二版",
  "a_b-c.d",
  "50% [test]",
])("a name for people may be %s", (name) => {
  expect(DisplayName.safeParse(name).success).toBe(true);
});
it.each(["", " ", "-x", "../x", "a/b", "a\\b", "name@2", "<b>x</b>", "a\u0000b", "a\nb", "a\u202eb", "x".repeat(81)])(
  "and never %j",
  (name) => {
    expect(DisplayName.safeParse(name).success).toBe(false);
  },
);
