import { describe, expect, it } from "vitest";
import { touchedBy } from "./since.ts";

const imports = new Map<string, string[]>([
  ["packages/text/src/cut.ts", []],
  ["packages/text/src/cut.test.ts", ["packages/text/src/cut.ts"]],
  ["packages/text/src/index.ts", ["packages/text/src/cut.ts"]],
  ["apps/worker/src/trainer/main.ts", ["packages/text/src/index.ts"]],
  ["tests/support/worker-lab.ts", []],
  ["tests/integration/worker/run.test.ts", ["tests/support/worker-lab.ts"]],
  ["packages/engine/src/native.ts", []],
  ["tests/integration/engine/bits.test.ts", ["packages/engine/src/native.ts"]],
  ["apps/web/lib/format.ts", []],
  ["apps/web/lib/format.test.ts", ["apps/web/lib/format.ts"]],
]);

describe("what a change can touch", () => {
  it("follows imports and started programs to the tests", () => {
    const { suites, tests } = touchedBy(["packages/text/src/cut.ts"], imports);
    expect(tests).toEqual(["packages/text/src/cut.test.ts", "tests/integration/worker/run.test.ts"]);
    expect([...(suites ?? [])].sort()).toEqual(["chaos", "integration", "lint", "parity", "types", "unit"]);
  });

  it("goes from the engine's C++ over its addon", () => {
    const { suites, tests } = touchedBy(["packages/engine/native/ops/rope.cc"], imports);
    expect(tests).toEqual(["tests/integration/engine/bits.test.ts"]);
    expect([...(suites ?? [])]).toEqual(expect.arrayContaining(["native", "fuzz", "parity", "integration"]));
  });

  it("leaves out what a change cannot reach", () => {
    expect([...(touchedBy(["docs/ARCHITECTURE.md"], imports).suites ?? [])]).toEqual(["lint"]);
    expect(touchedBy(["apps/web/lib/format.test.ts"], imports).tests).toEqual(["apps/web/lib/format.test.ts"]);
  });

  it("runs everything where packages or the tests' own settings change", () => {
    expect(touchedBy(["package-lock.json"], imports).suites).toBeNull();
  });
});
