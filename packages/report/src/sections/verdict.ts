import type { Analysis } from "../analysis.ts";
import { shareBars } from "../charts.ts";
import { html } from "../html.ts";
import type { ReportData } from "../schema.ts";
import type { Section } from "../section.ts";
import type { Words } from "../words.ts";

export const verdictSection: Section = ({ data, analysis, words, f }) => {
  const why = analysis.base === null ? words.verdictWhy.noBase : words.verdictWhy[analysis.verdict];
  return html`<section class="card verdict ${analysis.verdict}"><strong>${words.verdict[analysis.verdict]}</strong>
<p>${headline(analysis, data, words, f)}</p><p class="soft">${why}</p></section>
<div class="tiles">
${tile(words.tuned, measureOf(data, words), f.percent(analysis.tuned.share), `${f.count(analysis.tuned.correct)} ${words.of} ${f.count(analysis.tuned.count)}`)}
${analysis.base ? tile(words.base, measureOf(data, words), f.percent(analysis.base.share), `${f.count(analysis.base.correct)} ${words.of} ${f.count(analysis.base.count)}`) : ""}
${data.evaluation.tunedLossNats === null ? "" : tile(words.tuned, words.loss, f.loss(data.evaluation.tunedLossNats), lossUnitOf(data, words))}
${data.evaluation.baseLossNats === null ? "" : tile(words.base, words.loss, f.loss(data.evaluation.baseLossNats), lossUnitOf(data, words))}
</div>`;
};

const tile = (model: string, what: string, value: string, note: string) =>
  html`<div class="tile"><span>${model} · ${what}</span><b>${value}</b><span>${note}</span></div>`;

/** What a row is judged by. */
const measureOf = ({ evaluation }: ReportData, words: Words) =>
  evaluation.preference ? words.ranked : words.exactMatch;
const lossUnitOf = ({ evaluation }: ReportData, words: Words) =>
  evaluation.preference ? words.objectiveLoss : words.lossUnit;

type Parameters3 = Parameters<Section>[0];

function headline(analysis: Analysis, data: ReportData, words: Parameters3["words"], f: Parameters3["f"]) {
  const confidence = words.ci(f.percent(analysis.confidence, 0));
  if (data.evaluation.primary === "loss" && analysis.lossDifference) {
    const { mean, low, high } = analysis.lossDifference;
    return html`${words.lossGain} <b>${f.number(mean, 3)}</b> (${confidence} ${f.number(low, 3)} – ${f.number(high, 3)}).`;
  }
  const { base, tuned, difference } = analysis;
  if (!base || !difference)
    return html`${measureOf(data, words)}: <b>${f.percent(tuned.share)}</b> (${confidence} ${f.percent(tuned.low)} – ${f.percent(tuned.high)}).`;
  return html`${measureOf(data, words)}: ${f.percent(base.share)} → <b>${f.percent(tuned.share)}</b>, ${words.difference} <b>${f.points(difference.mean)}</b> ${words.points} (${confidence} ${f.points(difference.low)} – ${f.points(difference.high)}).`;
}

export const qualitySection: Section = ({ data, analysis, words, f }) => {
  const { base, tuned, pairs, difference, lossDifference, mcNemarP } = analysis;
  const bars = [
    ...(base ? [{ label: words.base, share: base.share, interval: base, series: 0 }] : []),
    { label: words.tuned, share: tuned.share, interval: tuned, series: 1 },
  ];
  const row = (name: string, b: string, t: string, d: string) =>
    html`<tr><td>${name}</td><td class="n">${b}</td><td class="n">${t}</td><td class="n">${d}</td></tr>`;
  const { baseLossNats, tunedLossNats } = data.evaluation;
  const loss = (value: number | null) => (value === null ? "–" : f.loss(value));
  return html`<section><h2>${words.quality}</h2>
<div class="card scroll" tabindex="0">${shareBars(bars, f, measureOf(data, words))}</div>
<div class="scroll" tabindex="0"><table><thead><tr><td></td><th class="n">${words.base}</th><th class="n">${words.tuned}</th><th class="n">${words.difference}</th></tr></thead><tbody>
${row(measureOf(data, words), base ? f.percent(base.share, 2) : "–", f.percent(tuned.share, 2), difference ? `${f.points(difference.mean)} [${f.points(difference.low)}, ${f.points(difference.high)}]` : "–")}
${row(words.ci(f.percent(analysis.confidence, 0)), base ? `${f.percent(base.low)} – ${f.percent(base.high)}` : "–", `${f.percent(tuned.low)} – ${f.percent(tuned.high)}`, mcNemarP === null ? "–" : `${words.mcNemar} ${f.p(mcNemarP)}`)}
${row(`${words.loss} (${lossUnitOf(data, words)})`, loss(baseLossNats), loss(tunedLossNats), baseLossNats === null || tunedLossNats === null ? "–" : f.signed(tunedLossNats - baseLossNats, 3))}
${lossDifference ? row(`${words.lossGain}, ${words.ci(f.percent(analysis.confidence, 0))}`, "", "", `${f.signed(lossDifference.mean, 3)} [${f.signed(lossDifference.low, 3)}, ${f.signed(lossDifference.high, 3)}]`) : ""}
</tbody></table></div>
${
  pairs
    ? html`<div class="scroll" tabindex="0"><table><thead><tr><th>${words.pairs}</th><th class="n">${words.bothRight}</th><th class="n">${words.onlyTuned}</th><th class="n">${words.onlyBase}</th><th class="n">${words.neither}</th></tr></thead><tbody><tr><td>${f.count(base?.count ?? 0)} ${words.rows}</td><td class="n">${f.count(pairs.both)}</td><td class="n">${f.count(pairs.onlyTuned)}</td><td class="n">${f.count(pairs.onlyBase)}</td><td class="n">${f.count(pairs.neither)}</td></tr></tbody></table></div>`
    : ""
}
<p class="soft">${words.intervalMethods}</p></section>`;
};
