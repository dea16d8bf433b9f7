// Exponential moving average with bias correction, so that the first points are not pulled to zero.
// weight: share of the past kept at each point, 0 (off) to below 1. Null points stay null and do not decay the past.
export function ema(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return values.slice();
  let average = 0;
  let norm = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    average = average * weight + value * (1 - weight);
    norm = norm * weight + (1 - weight);
    return average / norm;
  });
}

// The value below which `share` of the finite values lie (nearest rank); null without any.
export function quantile(values: readonly (number | null)[], share: number): number | null {
  const sorted = values.filter((v): v is number => v !== null && Number.isFinite(v)).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null;
}
