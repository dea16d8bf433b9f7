// A canvas knows no CSS variables: the theme's colours as texts.
export interface ChartColours {
  series: readonly string[];
  text: string;
  grid: string;
  card: string;
}

export function readColours(element: Element): ChartColours {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    series: ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5"].map(of),
    text: of("--muted-foreground"),
    grid: of("--chart-grid"),
    card: of("--card"),
  };
}

// The colour of a chart's i-th series: the theme's few, then hues of their own, neighbours far apart (sixteen adapters need as many).
export const seriesColour = ({ series }: Pick<ChartColours, "series">, i: number): string =>
  series[i] ?? `hsl(${Math.round(i * 137.5 + 40) % 360} 60% 50%)`;

// The theme writes oklch(L C H); a build step may turn it into #rrggbb.
export function withAlpha(colour: string, alpha: number): string {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  if (hex)
    return `rgb(${hex
      .slice(1)
      .map((pair) => Number.parseInt(pair, 16))
      .join(" ")} / ${alpha})`;
  return /^\w+\([^/]*\)$/.test(colour) ? colour.replace(")", ` / ${alpha})`) : colour;
}
