// The standard normal distribution, also far in its tails.

const inverseRoot2Pi = 1 / Math.sqrt(2 * Math.PI);

export const pdf = (z: number) => inverseRoot2Pi * Math.exp(-0.5 * z * z);

// erfc(x) for x >= 0 times exp(x^2): W. J. Cody's rational approximations (1969), relative error about 1e-16.
function scaledErfc(x: number): number {
  if (x < 0.46875) return Math.exp(x * x) * (1 - erfSmall(x));
  if (x <= 4) {
    const p = [
      2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
      881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
    ];
    const q = [
      1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
      4362.619090143247, 3439.3676741437216, 1230.3393548037495,
    ];
    return horner(p, x) / horner(q, x);
  }
  const r = 1 / (x * x);
  const p = [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ];
  const q = [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918];
  return (1 / Math.sqrt(Math.PI) - (r * horner(p, r)) / horner(q, r)) / x;
}

function erfSmall(x: number): number {
  const r = x * x;
  const p = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694];
  const q = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
  return (x * horner(p, r)) / horner(q, r);
}

const horner = (coefficients: number[], x: number) => coefficients.reduce((sum, c) => sum * x + c, 0);

export function cdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const tail = 0.5 * Math.exp(-x * x) * scaledErfc(x);
  return z > 0 ? 1 - tail : tail;
}

export function logCdf(z: number): number {
  const x = -z / Math.SQRT2;
  if (x <= 0) return Math.log1p(-0.5 * Math.exp(-x * x) * scaledErfc(-x));
  return Math.log(0.5 * scaledErfc(x)) - x * x;
}

/** log(cdf(b) - cdf(a)) for a < b, exact where both lie in one tail. */
export function logInterval(a: number, b: number): number {
  if (a > 0) return logInterval(-b, -a);
  const high = logCdf(b);
  return high + Math.log1p(-Math.exp(logCdf(a) - high));
}

/** The z with cdf(z) = p: bisection to a start, then Newton on the logarithm. */
export function quantile(p: number): number {
  if (p > 0.5) return -quantile(1 - p);
  if (p <= 0) return Number.NEGATIVE_INFINITY;
  const target = Math.log(p);
  let z = p > 0.02 ? (p - 0.5) * Math.sqrt(2 * Math.PI) : -Math.sqrt(-2 * target);
  for (let i = 0; i < 60; i++) {
    const log = logCdf(z);
    const slope = Math.exp(-0.5 * z * z + Math.log(inverseRoot2Pi) - log);
    const step = (log - target) / slope;
    z -= step;
    if (Math.abs(step) < 1e-13 * Math.max(1, Math.abs(z))) break;
  }
  return z;
}

/** A normal with this mean and deviation, cut to [low, high]; u is uniform in [0, 1). */
export function truncated(u: number, mean: number, deviation: number, low: number, high: number): number {
  const a = (low - mean) / deviation;
  const b = (high - mean) / deviation;
  // In the upper tail the mirrored interval keeps the digits.
  const z = a > 0 ? -quantile(cdf(-b) + (1 - u) * (cdf(-a) - cdf(-b))) : quantile(cdf(a) + u * (cdf(b) - cdf(a)));
  return Math.min(high, Math.max(low, mean + deviation * z));
}

const logRootHalfPi = 0.5 * Math.log(Math.PI / 2);

/**
 * log of the expected improvement in units of the deviation, h(z) = pdf(z) + z cdf(z), and its slope h'/h = cdf/h
 * (S. Ament et al., "Unexpected improvements to expected improvement", 2023): finite for every z.
 */
export function logImprovement(z: number): { log: number; slope: number } {
  const density = -0.5 * z * z + Math.log(inverseRoot2Pi);
  let log: number;
  if (z > -1) log = Math.log(pdf(z) + z * cdf(z));
  else if (z > -1e5)
    log = density + Math.log1p(-Math.exp(Math.log(-z) + logRootHalfPi + Math.log(scaledErfc(-z / Math.SQRT2))));
  else return { log: density - 2 * Math.log(-z), slope: 2 / -z - z };
  return { log, slope: Math.exp(logCdf(z) - log) };
}
