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

const meanSpeed = ({ answerTokens, decodeSeconds, latencySeconds }: ReportServing): number | null => {
  const later = answerTokens - latencySeconds.length; // first tokens come with the question
  return decodeSeconds === null || decodeSeconds <= 0 || later <= 0 ? null : later / decodeSeconds;
};

export const servingSection: Section = ({ data, words, f }) => {
  if (data.serving.length === 0) return html`<section><h2>${words.served}</h2><p>${words.notServed}</p></section>`;
  // The slow end of times is their high percentiles, that of speeds the low ones; a mean speed is all tokens over all seconds.
  const line = (
    what: string,
    values: number[],
    show: (v: number) => string,
    slow: "high" | "low",
    mean?: number | null,
  ) => {
    const s = summarise(values);
    const cell = (value: number | null | undefined) =>
      html`<td class="n">${value === undefined || value === null ? "–" : show(value)}</td>`;
    const tail = slow === "high" ? [s?.p90, s?.p99] : [s?.p10, s?.p1];
    return html`<tr><td>${what}</td>${[mean === undefined ? s?.mean : mean, s?.p50, ...tail].map(cell)}<td class="n">${f.count(s?.count ?? 0)}</td></tr>`;
  };
  const one = (
    s: ReportServing,
  ) => html`<h3>${foreign(s.model, 120)} <small>${s.server} · ${s.concurrency} ${words.concurrency}${s.ggufType ? ` · ${s.ggufType}` : ""}${s.ggufBytes === null ? "" : ` · ${f.bytes(s.ggufBytes)}`}</small></h3>
<div class="scroll" tabindex="0"><table><thead><tr><td></td><th class="n">${words.mean}</th><th class="n">${words.median}</th><th class="n">${words.slowTenth}</th><th class="n">${words.slowHundredth}</th><th class="n">${words.requests}</th></tr></thead><tbody>
${line(words.latency, s.latencySeconds, f.seconds, "high")}${line(words.firstToken, s.firstTokenSeconds, f.seconds, "high")}${line(words.tokensPerSecond, s.tokensPerSecond, (v) => f.number(v, 1), "low", meanSpeed(s))}
<tr><td>${words.peakMemory}</td><td class="n">${s.peakMemoryBytes === null ? words.notMeasured : f.bytes(s.peakMemoryBytes)}</td><td></td><td></td><td></td><td></td></tr>
</tbody></table></div>${histogram(s.latencySeconds, f, words.histogram)}`;
  return html`<section><h2>${words.served}</h2>${data.serving.map(one)}</section>`;
};
