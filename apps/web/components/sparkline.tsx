// A curve in the size of a word; values in order, drawn over their own range. Decorative: the numbers beside it say the same.
export function Sparkline({
  values,
  width = 96,
  height = 24,
}: {
  values: readonly number[];
  width?: number;
  height?: number;
}) {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length < 2) return <svg width={width} height={height} aria-hidden />;
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const range = high - low || 1;
  const points = finite.map((value, i) => {
    const x = (i / (finite.length - 1)) * (width - 2) + 1;
    const y = height - 2 - ((value - low) / range) * (height - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden className="overflow-visible">
      <polyline
        points={points.join(" ")}
        fill="none"
        className="stroke-chart-1"
        strokeWidth={1.5}
        strokeLinejoin="round"
      />
    </svg>
  );
}
