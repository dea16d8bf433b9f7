import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const native = join(import.meta.dirname, "../native");

// Who may include whom: a folder's own headers, and those of the folders named here.
const ladder: Record<string, readonly string[]> = {
  core: [],
  emulator: ["core"],
  cuda: ["core"],
  cpu: ["core"],
  ops: ["cpu", "cuda", "core"],
  quant: ["cpu", "core"],
  io: ["quant", "core"],
  nn: ["ops", "core"],
  models: ["nn", "ops", "io", "quant", "core"],
  train: ["models", "nn", "ops", "cpu", "io", "quant", "core"],
  infer: ["train", "models", "nn", "ops", "cpu", "io", "quant", "core"],
  binding: ["infer", "train", "models", "nn", "ops", "cpu", "io", "quant", "core"],
  reference: [],
  test_support: ["cpu", "core"],
  fuzz: ["io", "quant", "core"],
  bench: ["ops", "cpu", "core"],
};
// Tests may look at the reference and the test harness, whatever folder they lie in.
const forTests = ["reference", "test_support"];

/** Includes of a file that the ladder forbids. */
export function forbiddenIncludes(folder: string, isTest: boolean, source: string): string[] {
  const allowed = new Set([
    folder,
    ...(ladder[folder] ?? []),
    ...(isTest ? [...forTests, "core", "cpu", "cuda", "emulator", "quant", "io"] : []),
  ]);
  return [...source.matchAll(/^#include "([a-z_]+)\/[^"]+"/gm)].map((m) => m[1] ?? "").filter((to) => !allowed.has(to));
}

describe("the include ladder", () => {
  const folders = readdirSync(native, { withFileTypes: true }).filter((entry) => entry.isDirectory());

  it("knows every folder", () => {
    for (const { name } of folders) expect(Object.keys(ladder)).toContain(name);
  });

  it("is kept by every source file", () => {
    const wrong: string[] = [];
    let files = 0;
    for (const { name: folder } of folders)
      for (const file of readdirSync(join(native, folder), { recursive: true, encoding: "utf8" })) {
        if (!/\.(cc|h|cu|cuh)$/.test(file)) continue;
        files++;
        const source = readFileSync(join(native, folder, file), "utf8");
        for (const to of forbiddenIncludes(folder, /_test(_kernels)?\.(cc|cu)$/.test(file), source))
          wrong.push(`${folder}/${file} -> ${to}`);
      }
    expect(wrong).toEqual([]);
    expect(files).toBeGreaterThan(100);
  });

  it("would notice a step up", () => {
    expect(forbiddenIncludes("ops", false, '#include "nn/linear.h"\n')).toEqual(["nn"]);
    expect(forbiddenIncludes("ops", false, '#include "reference/reference.h"\n')).toEqual(["reference"]);
    expect(forbiddenIncludes("ops", true, '#include "reference/reference.h"\n')).toEqual([]);
  });
});
