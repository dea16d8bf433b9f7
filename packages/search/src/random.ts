// Random numbers of a search, by (seed, trial, purpose): the same study always draws the same points, also after a crash.

function mix(h: number): number {
  let x = h | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Standard normal. */
  normal(): number;
  /** A whole number in [0, n). */
  below(n: number): number;
}

// sfc32 (C. Doty-Humphrey, PractRand): passes BigCrush, 128 bits of state.
export function random(seed: number, ...stream: number[]): Random {
  let a = mix(seed ^ 0x9e3779b9);
  let b = mix(a ^ 0x243f6a88);
  let c = mix(b ^ 0xb7e15162);
  for (const part of stream) {
    a = mix(a ^ part);
    b = mix(b + a);
    c = mix(c ^ b);
  }
  let counter = 1;
  const bits = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 15; i++) bits();
  const next = () => ((bits() >>> 5) * 67_108_864 + (bits() >>> 6)) / 9_007_199_254_740_992;
  return {
    next,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    below: (n) => Math.floor(next() * n),
  };
}

const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97];

/**
 * Points that fill the unit cube evenly: Halton's sequence with random digit permutations and a random shift. Beyond 25 dimensions
 * the rest is uniform.
 */
export function quasiRandom(dimensions: number, seed: number): (index: number) => number[] {
  const rng = random(seed, 0x51ed);
  const axes = Array.from({ length: dimensions }, (_, d) => {
    const base = primes[d];
    const shift = rng.next();
    if (base === undefined) return () => rng.next();
    const digits = Array.from({ length: base }, (_, i) => i);
    for (let i = base - 1; i > 0; i--) {
      const j = rng.below(i + 1);
      [digits[i], digits[j]] = [digits[j] as number, digits[i] as number];
    }
    return (index: number) => {
      let x = 0;
      let scale = 1 / base;
      for (let i = index + 1, n = 0; i > 0 || n < 12; i = Math.floor(i / base), n++) {
        x += (digits[i % base] as number) * scale;
        scale /= base;
        if (scale < 1e-17) break;
      }
      return (x + shift) % 1;
    };
  });
  return (index) => axes.map((axis) => axis(index));
}
