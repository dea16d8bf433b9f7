// Yeo-Johnson's power transform (2000) with the parameter of greatest likelihood, then mean 0 and deviation 1: losses of a search
// are skewed, and a Gaussian process takes them for normal.

export function warp(raw: number[]): Float64Array {
  const finite = standardise(Float64Array.from(raw));
  if (finite.length < 3) return finite;
  const jacobian = finite.reduce((a, v) => a + Math.sign(v) * Math.log1p(Math.abs(v)), 0);
  let best = finite;
  let bestLikelihood = Number.NEGATIVE_INFINITY;
  for (let lambda = -2; lambda <= 2.0001; lambda += 0.05) {
    const y = finite.map((v) => yeoJohnson(v, lambda));
    const mean = y.reduce((a, b) => a + b, 0) / y.length;
    const variance = y.reduce((a, b) => a + (b - mean) ** 2, 0) / y.length;
    if (!(variance > 1e-24)) continue;
    const likelihood = (-y.length / 2) * Math.log(variance) + (lambda - 1) * jacobian;
    if (likelihood > bestLikelihood) {
      bestLikelihood = likelihood;
      best = y;
    }
  }
  return standardise(best);
}

function yeoJohnson(v: number, lambda: number): number {
  if (v >= 0) return Math.abs(lambda) < 1e-9 ? Math.log1p(v) : ((1 + v) ** lambda - 1) / lambda;
  const mirrored = 2 - lambda;
  return Math.abs(mirrored) < 1e-9 ? -Math.log1p(-v) : -((1 - v) ** mirrored - 1) / mirrored;
}

function standardise(values: Float64Array): Float64Array {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  return values.map((v) => (deviation > 0 ? (v - mean) / deviation : 0));
}
