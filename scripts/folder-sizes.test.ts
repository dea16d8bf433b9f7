import { describe, expect, it } from "vitest";
import { crowdedFolders } from "./folder-sizes.mjs";

const files = (folder: string, count: number, suffix = ".ts") =>
  Array.from({ length: count }, (_, index) => `${folder}/file-${index}${suffix}`);

describe("the size of folders", () => {
  it("refuses the twenty-sixth source file", () => {
    expect(crowdedFolders(files("apps/a", 25))).toEqual([]);
    expect(crowdedFolders(files("apps/a", 26))).toEqual([
      "apps/a holds 26 source files, more than 25: divide it into folders",
    ]);
  });

  it("does not count tests beside the source, nor what is no source", () => {
    expect(crowdedFolders([...files("apps/a", 25), ...files("apps/a", 9, ".test.ts"), "apps/a/README.md"])).toEqual([]);
    expect(crowdedFolders(files("tests/a", 26, ".test.ts"))).toHaveLength(1);
  });

  it("counts no folder for the folders inside it", () => {
    expect(crowdedFolders([...files("apps/a", 20), ...files("apps/a/b", 20)])).toEqual([]);
  });

  it("refuses an exemption that is not needed any more", () => {
    expect(crowdedFolders(files("apps/a", 26), { "apps/a": "why" })).toEqual([]);
    expect(crowdedFolders(files("apps/a", 3), { "apps/a": "why" })).toEqual([
      "apps/a holds no more than 25 source files: remove its exemption",
    ]);
  });
});
