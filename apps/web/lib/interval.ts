// Wilson's 95% interval of a share: sensible at 0, at 1 and for few rows, where the usual one is not.
const z = 1.959964;

export function wilson(matches: number, rows: number): { low: number; high: number } | null {
  if (rows <= 0 || matches < 0 || matches > rows) return null;
  const share = matches / rows;
  const scale = 1 + (z * z) / rows;
  const middle = (share + (z * z) / (2 * rows)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / rows + (z * z) / (4 * rows * rows));
  // At the ends the formula gives 0 and 1 only up to rounding.
  return { low: matches === 0 ? 0 : middle - half, high: matches === rows ? 1 : middle + half };
}
