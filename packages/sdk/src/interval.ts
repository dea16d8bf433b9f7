/** Wilson's 95% interval of a share; honest for few rows and for shares near 0 and 1. */
export function wilsonInterval(hits: number, rows: number): { low: number; high: number } {
  if (rows === 0) return { low: 0, high: 1 };
  const z = 1.959963984540054;
  const share = hits / rows;
  const scale = 1 + (z * z) / rows;
  const middle = (share + (z * z) / (2 * rows)) / scale;
  const half = (z * Math.sqrt((share * (1 - share)) / rows + (z * z) / (4 * rows * rows))) / scale;
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
