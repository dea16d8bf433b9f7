import { createHash } from "node:crypto";

/**
 * Counts rows that came before, by 64 bits of their digest in an open table of 8 bytes a slot: ten million rows take
 * 256 MiB at most, whatever their length.
 */
export class SeenRows {
  #slots = new BigUint64Array(1 << 12);
  #used = 0;

  /** True when a row of this text was added before. */
  add(text: string): boolean {
    const key = createHash("sha256").update(text).digest().readBigUInt64LE(0) || 1n; // 0 marks a free slot
    if (!insert(this.#slots, key)) return true;
    if (++this.#used * 2 > this.#slots.length) {
      const larger = new BigUint64Array(this.#slots.length * 2);
      for (const old of this.#slots) if (old !== 0n) insert(larger, old);
      this.#slots = larger;
    }
    return false;
  }
}

function insert(slots: BigUint64Array, key: bigint): boolean {
  const mask = slots.length - 1;
  for (let at = Number(key & 0xffff_ffffn) & mask; ; at = (at + 1) & mask) {
    const there = slots[at];
    if (there === key) return false;
    if (there === 0n) {
      slots[at] = key;
      return true;
    }
  }
}
