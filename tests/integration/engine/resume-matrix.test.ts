import { afterAll, describe, expect, it } from "vitest";
import { resumeCells, totalSteps, trainWithStops } from "../../resume/cells.ts";
import { temporaryFolder } from "./support.ts";

const folder = temporaryFolder();
const digests = new Map<string, string>();

describe("exact resume", () => {
  for (const [at, cell] of resumeCells().entries())
    it(cell.name, async () => {
      const undisturbed = await trainWithStops(cell, folder, []);
      const stops = [
        { step: at % totalSteps, threads: 2 },
        { step: totalSteps - 1, threads: 1 },
      ];
      expect(await trainWithStops(cell, folder, stops)).toBe(undisturbed);
      digests.set(cell.name, undisturbed);
    });

  // Cells that end alike would prove less than they seem to.
  afterAll(() => expect(new Set(digests.values()).size).toBe(digests.size));
});
