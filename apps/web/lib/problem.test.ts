import { describe, expect, it } from "vitest";
import { isUnauthenticated, mayRetry, problemOf } from "./problem.ts";

const problem = { code: "INVALID_INPUT", field: "method.rank", message: "rank is 0", remedy: "use 1 or more" };

describe("problemOf", () => {
  it("finds the problem that a tRPC error carries", () =>
    expect(problemOf(Object.assign(new Error("x"), { data: { problem } }))).toEqual(problem));
  it("finds the problem in an HTTP answer", () => expect(problemOf({ problem })).toEqual(problem));
  it("tells a server that is away from a fault", () => {
    expect(problemOf(new TypeError("Failed to fetch")).code).toBe("UNAVAILABLE");
    expect(problemOf(new Error("boom")).code).toBe("INTERNAL");
  });
  it("knows what is worth another try", () => {
    expect(mayRetry(new TypeError("Failed to fetch"))).toBe(true);
    expect(mayRetry({ problem })).toBe(false);
    expect(isUnauthenticated({ problem: { ...problem, code: "UNAUTHENTICATED" } })).toBe(true);
  });
});
