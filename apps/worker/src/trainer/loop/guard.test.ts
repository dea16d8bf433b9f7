import { EngineError } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { poisonOf } from "./guard.ts";

const guards = { nonFinite: true, spikeFactor: 3, maxRollbacks: 1 };
const numeric = (reason: string, args = {}) => new EngineError("ENGINE_NUMERIC", reason, "step", args);

describe("what the guard mends", () => {
  it("is told by the reason, however the sentence is worded", () => {
    expect(poisonOf(numeric("loss_above_limit", { loss: "it is not finite" }), { guards })).toBe("spike");
    expect(poisonOf(numeric("step_not_finite"), { guards })).toBe("not_finite");
    expect(poisonOf(numeric("step_not_finite"), { guards: { ...guards, nonFinite: false } })).toBeNull();
  });
  it("is no other error", () => {
    expect(poisonOf(numeric("weight_not_finite"), { guards })).toBeNull();
    expect(poisonOf(new EngineError("ENGINE_STOPPED", "stop_requested", "session"), { guards })).toBeNull();
    expect(poisonOf(new Error("loss or gradient is not finite"), { guards })).toBeNull();
  });
});
