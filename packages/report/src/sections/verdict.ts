import type { ShareEstimate } from "../analysis.ts";
import { shareBars } from "../charts.ts";
import { foreign, html } from "../html.ts";
import type { ReportData } from "../schema.ts";
import type { Section } from "../section.ts";
import type { Words } from "../words.ts";

export const verdictSection: Section = ({ data, analysis, words, f, say }) => {
  const { verdict, baseLossNats, tunedLossNats } = data.evaluation;
  const sentences = verdict ? [...verdict.reasons, ...verdict.limits] : [];
  const { tuned, base } = analysis;
  const share = (model: string, { share, correct, count }: ShareEstimate) =>
    tile(model, measureOf(data, words), f.percent(share), `${f.count(correct)} ${words.of} ${f.count(count)}`);
  const loss = (model: string, value: number | null) =>
    value === null ? "" : tile(model, words.loss, f.loss(value), lossUnitOf(data, words));
  return html`<section class="card verdict ${verdict?.outcome ?? "unmeasured"}"><strong>${verdict ? say(verdict.headline) : words.notJudged}</strong>
${sentences.map((sentence) => html`<p>${foreign(say(sentence), 1000)}</p>`)}</section>
<div class="tiles">
${tuned.count > 0 ? share(words.tuned, tuned) : ""}
${base && base.count > 0 ? share(words.base, base) : ""}
${loss(words.tuned, tunedLossNats)}
${loss(words.base, baseLossNats)}
</div>`;
};

const tile = (model: string, what: string, value: string, note: string) =>
  html`<div class="tile"><span>${model} · ${what}</span><b>${value}</b><span>${note}</span></div>`;

/** What a row is judged by. */
const measureOf = ({ evaluation }: ReportData, words: Words) =>
  evaluation.preference ? words.ranked : evaluation.labels ? words.labelAccuracy : words.exactMatch;
const lossUnitOf = ({ evaluation }: ReportData, words: Words) =>
  evaluation.preference ? words.objectiveLoss : words.lossUnit;

export const qualitySection: Section = ({ data, analysis, words, f }) => {
  const { base, tuned, pairs, difference, mcNemarP } = analysis;
  const bars = [
    ...(base ? [{ label: words.base, share: base.share, interval: base, series: 0 }] : []),
    { label: words.tuned, share: tuned.share, interval: tuned, series: 1 },
  ];
  const row = (name: string, b: string, t: string, d: string) =>
    html`<tr><td>${name}</td><td class="n">${b}</td><td class="n">${t}</td><td class="n">${d}</td></tr>`;
  const { baseLossNats, tunedLossNats } = data.evaluation;
  const loss = (value: number | null) => (value === null ? "–" : f.loss(value));
  return html`<section><h2>${words.quality}</h2>
${tuned.count === 0 ? "" : html`<div class="card scroll" tabindex="0">${shareBars(bars, f, measureOf(data, words))}</div>`}
<div class="scroll" tabindex="0"><table><thead><tr><td></td><th class="n">${words.base}</th><th class="n">${words.tuned}</th><th class="n">${words.difference}</th></tr></thead><tbody>
${tuned.count === 0 ? "" : row(measureOf(data, words), base ? f.percent(base.share, 2) : "–", f.percent(tuned.share, 2), difference ? `${f.points(difference.mean)} [${f.points(difference.low)}, ${f.points(difference.high)}]` : "–")}
${tuned.count === 0 ? "" : row(words.ci(f.percent(analysis.confidence, 0)), base ? `${f.percent(base.low)} – ${f.percent(base.high)}` : "–", `${f.percent(tuned.low)} – ${f.percent(tuned.high)}`, mcNemarP === null ? "–" : `${words.mcNemar} ${f.p(mcNemarP)}`)}
${row(`${words.loss} (${lossUnitOf(data, words)})`, loss(baseLossNats), loss(tunedLossNats), baseLossNats === null || tunedLossNats === null ? "–" : f.signed(tunedLossNats - baseLossNats, 3))}
</tbody></table></div>
${
  pairs
    ? html`<div class="scroll" tabindex="0"><table><thead><tr><th>${words.pairs}</th><th class="n">${words.bothRight}</th><th class="n">${words.onlyTuned}</th><th class="n">${words.onlyBase}</th><th class="n">${words.neither}</th></tr></thead><tbody><tr><td>${f.count(base?.count ?? 0)} ${words.rows}</td><td class="n">${f.count(pairs.both)}</td><td class="n">${f.count(pairs.onlyTuned)}</td><td class="n">${f.count(pairs.onlyBase)}</td><td class="n">${f.count(pairs.neither)}</td></tr></tbody></table></div>`
    : ""
}
<p class="soft">${words.intervalMethods}</p></section>`;
};
