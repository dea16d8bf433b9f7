import type { Formatter } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { ReportCurve } from "./schema.ts";
import type { Interval } from "./stats.ts";

// Round numbers for an axis: about `count` steps of 1, 2 or 5 times a power of ten.
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999) ?? 10 * power;
  const found: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) found.push(i * step + 0);
  return found;
}

const n1 = (value: number) => value.toFixed(1);

// Thins a curve to one bucket per pixel, keeping the extremes of each, so that spikes stay visible.
export function thin(points: readonly (readonly [number, number])[], buckets: number): [number, number][] {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length <= buckets * 2) return finite.map(([x, y]) => [x, y]);
  const kept: [number, number][] = [];
  for (let b = 0; b < buckets; b += 1) {
    const slice = finite.slice(
      Math.floor((b * finite.length) / buckets),
      Math.floor(((b + 1) * finite.length) / buckets),
    );
    let low = slice[0];
    let high = slice[0];
    for (const point of slice) {
      if (low && point[1] < low[1]) low = point;
      if (high && point[1] > high[1]) high = point;
    }
    if (!low || !high) continue;
    const [first, second] = low[0] <= high[0] ? [low, high] : [high, low];
    kept.push([first[0], first[1]]);
    if (first !== second) kept.push([second[0], second[1]]);
  }
  return kept;
}

// A small line chart over steps, of one or two series (`family` s), or of as many as there are adapters (a).
export function lineChart(
  title: string,
  curves: { curve: ReportCurve; label: string }[],
  stepWord: string,
  f: Formatter,
  family: "s" | "a" = "s",
): Html {
  const width = 400;
  const height = 200;
  const box = { left: 62, right: 12, top: 12, bottom: 36 };
  const series = curves.map(({ curve, label }) => ({ label, points: thin(curve.points, 380) }));
  const all = series.flatMap((s) => s.points);
  if (all.length === 0) return html``;
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  let [y0, y1] = [Math.min(...ys), Math.max(...ys)];
  if (y0 === y1) [y0, y1] = [y0 - Math.abs(y0 || 1) * 0.5, y1 + Math.abs(y1 || 1) * 0.5];
  if (y0 > 0 && y0 < y1 * 0.5) y0 = 0;
  const px = (x: number) => box.left + (x1 === x0 ? 0.5 : (x - x0) / (x1 - x0)) * (width - box.left - box.right);
  const py = (y: number) => height - box.bottom - ((y - y0) / (y1 - y0)) * (height - box.top - box.bottom);
  const unit = curves[0]?.curve.unit ?? "";
  return html`<figure class="chart"><figcaption>${title}${unit ? html` <small>${unit}</small>` : ""}${
    series.length > 1
      ? html`<span class="keys">${series.map((s, i) => html`<span class="key ${family}${i}">${s.label}</span>`)}</span>`
      : ""
  }</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${ticks(y0, y1, 4).map(
  (y) =>
    html`<line class="grid" x1="${box.left}" x2="${width - box.right}" y1="${n1(py(y))}" y2="${n1(py(y))}"/><text x="${box.left - 6}" y="${n1(py(y) + 4.5)}" text-anchor="end">${f.axis(y)}</text>`,
)}
${ticks(x0, x1, 4).map((x) => html`<text x="${n1(px(x))}" y="${height - 19}" text-anchor="middle">${f.axis(x)}</text>`)}
<text class="axis" x="${width - box.right}" y="${height - 4}" text-anchor="end">${stepWord}</text>
${series.map((s, i) =>
  s.points.length === 1
    ? html`<circle class="dot ${family}${i}" cx="${n1(px(s.points[0]?.[0] ?? 0))}" cy="${n1(py(s.points[0]?.[1] ?? 0))}" r="3"/>`
    : html`<polyline class="curve ${family}${i}" points="${s.points.map(([x, y]) => `${n1(px(x))},${n1(py(y))}`).join(" ")}"/>${
        s.points.length <= 24 && i > 0
          ? s.points.map(
              ([x, y]) => html`<circle class="dot ${family}${i}" cx="${n1(px(x))}" cy="${n1(py(y))}" r="2.5"/>`,
            )
          : ""
      }`,
)}
</svg></figure>`;
}

// Shares with their confidence intervals on one scale from 0 to 100 %.
export function shareBars(
  rows: { label: string; share: number; interval: Interval; series: number }[],
  f: Formatter,
  title: string,
): Html {
  const width = 640;
  const left = 90;
  const right = 150;
  const lineHeight = 38;
  const height = rows.length * lineHeight + 26;
  const px = (share: number) => left + share * (width - left - right);
  return html`<svg class="bars" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${[0, 0.25, 0.5, 0.75, 1].map(
  (t) =>
    html`<line class="grid" x1="${n1(px(t))}" x2="${n1(px(t))}" y1="4" y2="${height - 20}"/><text x="${n1(px(t))}" y="${height - 5}" text-anchor="middle">${f.percent(t, 0)}</text>`,
)}
${rows.map(({ label, share, interval, series }, i) => {
  const y = i * lineHeight + 10;
  return html`<text class="strong" x="${left - 10}" y="${y + 15}" text-anchor="end">${label}</text>
<rect class="bar s${series}" x="${left}" y="${y}" width="${n1(Math.max(1, px(share) - left))}" height="20" rx="2"/>
<line class="whisker" x1="${n1(px(interval.low))}" x2="${n1(px(interval.high))}" y1="${y + 10}" y2="${y + 10}"/>
<line class="whisker" x1="${n1(px(interval.low))}" x2="${n1(px(interval.low))}" y1="${y + 5}" y2="${y + 15}"/>
<line class="whisker" x1="${n1(px(interval.high))}" x2="${n1(px(interval.high))}" y1="${y + 5}" y2="${y + 15}"/>
<text class="strong" x="${width - right + 12}" y="${y + 9}">${f.percent(share)}</text>
<text x="${width - right + 12}" y="${y + 22}">${f.percent(interval.low)} – ${f.percent(interval.high)}</text>`;
})}
</svg>`;
}

const shorten = (text: string, length: number) => {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
};

// Rows: expected; columns: answered; the last column: anything else. Cells carry their count and are shaded by share.
export function confusionMatrix(
  labels: string[],
  counts: number[][],
  other: number[],
  otherWord: string,
  title: string,
): Html {
  const cell = 40;
  const left = 190;
  const top = 150;
  const width = left + (labels.length + 1) * cell + 110;
  const height = top + labels.length * cell + 6;
  const columns = [...labels, otherWord];
  return html`<svg class="matrix" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${columns.map((label, j) => {
  const x = left + j * cell + cell / 2 + 4;
  return html`<text transform="translate(${x} ${top - 8}) rotate(-45)">${shorten(label, 24)}<title>${label}</title></text>`;
})}
${labels.map((label, i) => {
  const line = [...(counts[i] ?? []), other[i] ?? 0];
  const total = line.reduce((sum, count) => sum + count, 0) || 1;
  return html`<text x="${left - 8}" y="${top + i * cell + cell / 2 + 4}" text-anchor="end">${shorten(label, 26)}<title>${label}</title></text>${line.map(
    (count, j) => {
      const shade = count === 0 ? 0 : 0.15 + 0.85 * (count / total);
      const kind = i === j ? "hit" : "miss";
      return html`<rect class="cell ${kind}" style="fill-opacity:${shade.toFixed(2)}" x="${left + j * cell}" y="${top + i * cell}" width="${cell - 2}" height="${cell - 2}" rx="2"/>${
        count === 0
          ? ""
          : html`<text class="${shade > 0.55 ? "inverse" : ""}" x="${left + j * cell + cell / 2 - 1}" y="${top + i * cell + cell / 2 + 3}" text-anchor="middle">${count}</text>`
      }`;
    },
  )}`;
})}
</svg>`;
}

export function histogram(values: readonly number[], f: Formatter, title: string): Html {
  if (values.length < 5) return html``;
  const width = 440;
  const height = 150;
  const box = { left: 40, right: 12, top: 10, bottom: 26 };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const bins = Math.min(30, Math.max(6, Math.ceil(Math.sqrt(values.length))));
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = high === low ? 0 : Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  const each = (width - box.left - box.right) / bins;
  const tall = (count: number) => (count / most) * (height - box.top - box.bottom);
  return html`<figure class="chart"><figcaption>${title}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<line class="grid" x1="${box.left}" x2="${width - box.right}" y1="${height - box.bottom}" y2="${height - box.bottom}"/>
<text x="${box.left - 6}" y="${box.top + 8}" text-anchor="end">${most}</text>
${counts.map((count, i) => html`<rect class="bar s1" x="${n1(box.left + i * each + 0.5)}" y="${n1(height - box.bottom - tall(count))}" width="${n1(each - 1)}" height="${n1(tall(count))}"/>`)}
<text x="${box.left}" y="${height - 8}" text-anchor="start">${f.seconds(low)}</text>
<text x="${width - box.right}" y="${height - 8}" text-anchor="end">${f.seconds(high)}</text>
</svg></figure>`;
}
