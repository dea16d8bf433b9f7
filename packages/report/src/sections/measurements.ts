import { histogram, lineChart } from "../charts.ts";
import { foreign, html } from "../html.ts";
import type { ReportCurve, ReportServing } from "../schema.ts";
import type { Section } from "../section.ts";
import { summarise } from "../stats.ts";

export const trainingSection: Section = ({ data, words, f }) => {
  const { curves, run, training } = data;
  const filled = curves.filter((c) => c.points.length > 0 && !c.name.includes("@")); // those of single adapters lie beside their table
  const named = (curve: ReportCurve) => words.metrics[curve.name] ?? curve.name;
  const loss = filled
    .filter((c) => c.name === "train/loss" || c.name === "eval/loss")
    .sort((a) => (a.name === "train/loss" ? -1 : 1));
  const rest = filled.filter((c) => !loss.includes(c));
  const fact = (name: string, value: string | null, note = "") =>
    value === null ? "" : html`<div class="tile"><span>${name}</span><b>${value}</b><span>${note}</span></div>`;
  const maybe = (value: number | null, show: (v: number) => string) => (value === null ? null : show(value));
  return html`<section><h2>${words.training}</h2><div class="tiles">
${fact(words.trainTime, maybe(run.trainSeconds, f.seconds))}
${fact(words.steps, maybe(run.steps, f.count))}
${fact(words.trainedTokens, maybe(run.trainedTokens, f.compact))}
${fact(
  words.trainingSpeed,
  maybe(training.tokensPerSecond, (v) => f.count(v)),
  words.tokensPerSecond,
)}
${fact(words.peakMemory, maybe(training.peakMemoryBytes, f.bytes), training.plannedMemoryBytes === null ? "" : `${words.plannedMemory} ${f.bytes(training.plannedMemoryBytes)}`)}
</div>
${
  filled.length === 0
    ? ""
    : html`<h3>${words.curves}</h3><div class="charts">
${
  loss.length > 0
    ? lineChart(
        words.loss,
        loss.map((curve) => ({ curve, label: named(curve) })),
        words.step,
        f,
      )
    : ""
}
${rest.map((curve) => lineChart(named(curve), [{ curve, label: named(curve) }], words.step, f))}
</div>`
}</section>`;
};

export const servingSection: Section = ({ data, words, f }) => {
  if (data.serving.length === 0) return html`<section><h2>${words.served}</h2><p>${words.notServed}</p></section>`;
  const line = (what: string, values: number[], show: (v: number) => string) => {
    const s = summarise(values);
    const cell = (value: number | undefined) => html`<td class="n">${value === undefined ? "–" : show(value)}</td>`;
    return html`<tr><td>${what}</td>${[s?.mean, s?.p50, s?.p90, s?.p99].map(cell)}<td class="n">${f.count(s?.count ?? 0)}</td></tr>`;
  };
  const one = (
    s: ReportServing,
  ) => html`<h3>${foreign(s.model, 120)} <small>${s.server} · ${s.concurrency} ${words.concurrency}${s.ggufType ? ` · ${s.ggufType}` : ""}${s.ggufBytes === null ? "" : ` · ${f.bytes(s.ggufBytes)}`}</small></h3>
<div class="scroll" tabindex="0"><table><thead><tr><td></td><th class="n">${words.mean}</th><th class="n">P50</th><th class="n">P90</th><th class="n">P99</th><th class="n">${words.requests}</th></tr></thead><tbody>
${line(words.latency, s.latencySeconds, f.seconds)}${line(words.firstToken, s.firstTokenSeconds, f.seconds)}${line(words.tokensPerSecond, s.tokensPerSecond, (v) => f.number(v, 1))}
<tr><td>${words.peakMemory}</td><td class="n">${s.peakMemoryBytes === null ? words.notMeasured : f.bytes(s.peakMemoryBytes)}</td><td></td><td></td><td></td><td></td></tr>
</tbody></table></div>${histogram(s.latencySeconds, f, words.histogram)}`;
  return html`<section><h2>${words.served}</h2>${data.serving.map(one)}</section>`;
};
