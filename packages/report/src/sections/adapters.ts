import { lineChart } from "../charts.ts";
import { foreign, html } from "../html.ts";
import type { ReportAdapter } from "../schema.ts";
import type { Section } from "../section.ts";

// Several adapters over one base: their settings and figures in one table, the best marked, and their losses in one picture.
export const adaptersSection: Section = ({ data, words, f }) => {
  const { adapters, curves } = data;
  if (adapters.length === 0) return html``;
  const mark = ({ best, exported }: ReportAdapter) =>
    [best ? words.best : null, exported ? words.exported : null].filter((word) => word !== null);
  const row = (adapter: ReportAdapter) =>
    html`<tr><td>${adapter.exported ? html`<b>${foreign(adapter.name, 60)}</b>` : foreign(adapter.name, 60)} ${mark(adapter).map((word) => html`<span class="right">${word}</span> `)}</td><td class="n">${adapter.rank}</td><td class="n">${f.axis(adapter.alpha)}</td><td class="n">${f.axis(adapter.learningRate)}</td><td class="n">${String(adapter.seed)}</td><td class="n">${adapter.lossNats === null ? "–" : f.loss(adapter.lossNats)}</td><td class="n">${adapter.exactMatch === null ? "–" : f.percent(adapter.exactMatch, 2)}</td></tr>`;
  const chart = (series: string) => {
    const own = adapters.flatMap(({ name }) => {
      const curve = curves.find((one) => one.name === `${series}@${name}` && one.points.length > 0);
      return curve ? [{ curve, label: name }] : [];
    });
    return own.length === 0 ? "" : lineChart(words.metrics[series] ?? series, own, words.step, f, "a");
  };
  return html`<section><h2>${words.adapters}</h2><div class="scroll" tabindex="0"><table><thead><tr><th>${words.name}</th><th class="n">${words.rank}</th><th class="n">Alpha</th><th class="n">${words.learningRate}</th><th class="n">${words.seed}</th><th class="n">${words.loss} (${words.lossUnit})</th><th class="n">${words.exactMatch}</th></tr></thead><tbody>
${adapters.map(row)}</tbody></table></div><p class="soft">${words.adaptersNote}</p>
<div class="charts">${["train/loss", "eval/loss", "train/router_aux"].map(chart)}</div></section>`;
};
