import type { PairTable } from "./pair-table.ts";

const noRank = 0x7fffffff;
const scanLimit = 32;
const positionRange = 2 ** 31;
// Scratch of the scan; merging never calls itself.
const ranks = new Int32Array(scanLimit);
const merged = new Int32Array(scanLimit);

// Byte-pair merging in place: the pair of lowest rank first, the leftmost of equals. `symbols` and `ends` (where each
// symbol ends in its word) hold `count` entries and are compacted; the new count is returned.
export function mergeSymbols(symbols: Int32Array, ends: Int32Array, count: number, pairs: PairTable): number {
  return count <= scanLimit ? mergeByScan(symbols, ends, count, pairs) : mergeByHeap(symbols, ends, count, pairs);
}

// Short words: looking at every pair again costs less than keeping a heap.
function mergeByScan(symbols: Int32Array, ends: Int32Array, count: number, pairs: PairTable): number {
  const look = (i: number) => {
    const slot = pairs.find(symbols[i] as number, symbols[i + 1] as number);
    ranks[i] = slot < 0 ? noRank : pairs.rankAt(slot);
    merged[i] = slot < 0 ? 0 : pairs.mergedAt(slot);
  };
  for (let i = 0; i + 1 < count; i++) look(i);
  let length = count;
  while (length > 1) {
    let best = -1;
    let bestRank = noRank;
    for (let i = 0; i + 1 < length; i++) {
      const rank = ranks[i] as number;
      if (rank < bestRank) {
        bestRank = rank;
        best = i;
      }
    }
    if (best < 0) break;
    symbols[best] = merged[best] as number;
    ends[best] = ends[best + 1] as number;
    symbols.copyWithin(best + 1, best + 2, length);
    ends.copyWithin(best + 1, best + 2, length);
    ranks.copyWithin(best + 1, best + 2, length - 1);
    merged.copyWithin(best + 1, best + 2, length - 1);
    length--;
    if (best + 1 < length) look(best);
    if (best > 0) look(best - 1);
  }
  return length;
}

// Long words (a whole line where there is no pre-tokenizer, hostile input): a heap keeps it n log n.
function mergeByHeap(symbols: Int32Array, ends: Int32Array, count: number, pairs: PairTable): number {
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    next[i] = i + 1 < count ? i + 1 : -1;
    previous[i] = i - 1;
  }
  const heap = new KeyHeap(count);
  const push = (at: number) => {
    const slot = pairs.find(symbols[at] as number, symbols[next[at] as number] as number);
    if (slot >= 0) heap.push(pairs.rankAt(slot) * positionRange + at);
  };
  for (let i = 0; i + 1 < count; i++) push(i);
  for (;;) {
    const key = heap.pop();
    if (key < 0) break;
    const at = key % positionRange;
    const rank = (key - at) / positionRange;
    const follower = next[at] as number;
    // -2: already merged away. A pair that has changed since it was pushed has another rank or none.
    if (follower < 0) continue;
    const slot = pairs.find(symbols[at] as number, symbols[follower] as number);
    if (slot < 0 || pairs.rankAt(slot) !== rank) continue;
    symbols[at] = pairs.mergedAt(slot);
    ends[at] = ends[follower] as number;
    const after = next[follower] as number;
    next[at] = after;
    next[follower] = -2;
    if (after >= 0) {
      previous[after] = at;
      push(at);
    }
    const before = previous[at] as number;
    if (before >= 0) push(before);
  }
  let length = 0;
  for (let i = 0; i < count && i >= 0; i = next[i] as number) {
    symbols[length] = symbols[i] as number;
    ends[length] = ends[i] as number;
    length++;
    if ((next[i] as number) < 0) break;
  }
  return length;
}

// A binary min-heap of numbers; pop gives -1 when empty.
class KeyHeap {
  private keys: Float64Array;
  private size = 0;
  constructor(capacity: number) {
    this.keys = new Float64Array(Math.max(16, capacity * 2));
  }
  push(key: number): void {
    if (this.size === this.keys.length) {
      const grown = new Float64Array(this.size * 2);
      grown.set(this.keys);
      this.keys = grown;
    }
    const keys = this.keys;
    let i = this.size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((keys[parent] as number) <= key) break;
      keys[i] = keys[parent] as number;
      i = parent;
    }
    keys[i] = key;
  }
  pop(): number {
    if (this.size === 0) return -1;
    const keys = this.keys;
    const top = keys[0] as number;
    const last = keys[--this.size] as number;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && (keys[child + 1] as number) < (keys[child] as number)) child++;
      if ((keys[child] as number) >= last) break;
      keys[i] = keys[child] as number;
      i = child;
    }
    keys[i] = last;
    return top;
  }
}
