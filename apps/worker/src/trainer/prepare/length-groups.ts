import { dataOrder } from "@anneal/text";

const batchesOfAGroup = 50;
// Keeps the order of the batches apart from the orders that rows are drawn in.
const groupEpoch = 0x7ffffffe;

/**
 * A shuffled epoch in which rows of like length share a step: within each stretch of 50 steps rows are sorted by length and
 * cut into steps, whose order is shuffled again so that short and long steps alternate. A step that is not full stays last.
 */
export function groupByLength(
  shuffled: Uint32Array,
  lengthOf: (row: number) => number,
  batchRows: number,
  seed: number,
): Uint32Array {
  const grouped = new Uint32Array(shuffled.length);
  let at = 0;
  for (let from = 0; from < shuffled.length; from += batchRows * batchesOfAGroup) {
    const stretch = shuffled.slice(from, from + batchRows * batchesOfAGroup);
    const place = new Map(Array.from(stretch, (row, i) => [row, i]));
    const sorted = Array.from(stretch).sort(
      (a, b) => lengthOf(b) - lengthOf(a) || (place.get(a) ?? 0) - (place.get(b) ?? 0),
    );
    const full = Math.floor(sorted.length / batchRows);
    const order = [...dataOrder(full, seed + from, groupEpoch), ...(sorted.length % batchRows > 0 ? [full] : [])];
    for (const batch of order)
      for (const row of sorted.slice(batch * batchRows, (batch + 1) * batchRows)) grouped[at++] = row;
  }
  return grouped;
}
