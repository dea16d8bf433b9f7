import type { DatasetCheck, DatasetRow } from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";
import { type CheckOptions, DatasetTally } from "./tally.ts";

const sliceMilliseconds = 20;

// Tokenises every row and counts what training would see. A preference counts once, with the tokens of the answers that the
// objective trains; it is cut, or without loss, when one of them is. Lengths in the histogram and the longest are those of
// single sequences before truncation. Throws TextError that names the row which the template refuses.
export async function checkDataset(
  model: TextModel,
  rows: AsyncIterable<DatasetRow> | Iterable<DatasetRow>,
  { signal, ...options }: CheckOptions & { signal?: AbortSignal },
): Promise<DatasetCheck> {
  const tally = new DatasetTally(model, options);
  let pause = performance.now() + sliceMilliseconds;
  for await (const row of rows) {
    tally.add(row);
    // One thread serves others too: let them in between.
    if (performance.now() >= pause) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      pause = performance.now() + sliceMilliseconds;
    }
  }
  return tally.finish();
}
