import { ServiceError } from "@anneal/contracts";
import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

test("so many takes in a window, then a wait that is told, then again", () => {
  let now = 0;
  const limit = createRateLimit(3, 60, () => now);
  for (let i = 0; i < 3; i++) limit.take("ada");
  now = 20_000;
  expect(() => limit.take("ada")).toThrow(ServiceError);
  try {
    limit.take("ada");
  } catch (error) {
    expect((error as ServiceError).problem.details).toEqual({ retryAfterSeconds: 40 });
  }
  limit.take("bob"); // another key has its own count
  now = 60_000;
  expect(() => limit.take("ada")).not.toThrow();
});

test("a success clears the count", () => {
  const limit = createRateLimit(1, 60, () => 0);
  limit.take("ada");
  limit.clear("ada");
  expect(() => limit.take("ada")).not.toThrow();
});

test("made-up keys cost bounded memory and do not wash out one that is in use", () => {
  const limit = createRateLimit(10, 60, () => 0, 100);
  for (let i = 0; i < 10; i++) limit.take("guessed");
  for (let i = 0; i < 99; i++) limit.take(`made up ${i}`);
  expect(() => limit.take("guessed")).toThrow();
});
