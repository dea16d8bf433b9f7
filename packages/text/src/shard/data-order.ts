// The order of training rows: a pure function of their number, the seed and the epoch, the same on every machine.

// Scrambles 32 bits (a bijection with full avalanche).
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

// Random 32-bit words by counter, from four words of state.
function generator(seed: number, epoch: number): () => number {
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  let a = mix(low ^ 0x9e3779b9);
  let b = mix(high ^ a);
  let c = mix((epoch >>> 0) ^ b);
  let counter = 1;
  const next = () => {
    // sfc32: passes PractRand, period at least 2^32.
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

export function dataOrder(rows: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  const next = generator(seed, epoch);
  for (let i = rows - 1; i > 0; i--) {
    // Words beyond the last whole multiple would favour small numbers.
    const bound = i + 1;
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = next();
    while (word >= limit) word = next();
    const j = word % bound;
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}
