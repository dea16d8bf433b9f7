import { expect, it } from "vitest";
import { withNames } from "./names.ts";

const id = "01a22d63-0000-7000-8000-000000000001";
const names = { [id]: "banking v1" };

it.each([
  [id, "banking v1"],
  [`model:${id}`, "banking v1"],
  [`run:${id}`, "banking v1"],
  [`run:${id}/fast`, "banking v1/fast"],
  [`base: model:${id}; dataset: ${id}`, "base: banking v1; dataset: banking v1"],
  ["model:01a22d63-0000-7000-8000-000000000002", "model:01a22d63-0000-7000-8000-000000000002"],
  ["/models/smollm2.gguf", "/models/smollm2.gguf"],
])("%s reads %s", (text, read) => {
  expect(withNames(text, names)).toBe(read);
});
