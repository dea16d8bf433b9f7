import { foreign, html } from "../html.ts";
import type { ReportPair } from "../schema.ts";
import type { Section } from "../section.ts";
import { draw, seededRandom } from "../stats.ts";

const shown = 12;
// A model that knows no end may answer with empty lines alone; a page of them tells nothing.
const compact = (text: string) => text.replace(/\s*\n\s*/g, "\n");

// What a run on preferences reached: figures over all held-out rows, then some of them drawn by a seeded lottery.
export const preferenceSection: Section = ({ data, words, f }) => {
  const { preference, rows, seed } = data.evaluation;
  if (!preference) return html``;
  const { pairs, rewardMargin, rewardAccuracy } = preference;
  const figure = (name: string, value: string | null) =>
    value === null ? "" : html`<tr><td>${name}</td><td class="n">${value}</td></tr>`;
  const margin = (value: number | null) => (value === null ? "–" : f.signed(value, 3));
  const one = (pair: ReportPair) =>
    html`<tr><td>${foreign(pair.prompt, 300)}</td><td>${pair.chosen === null ? "–" : foreign(pair.chosen, 300)}</td><td>${pair.rejected === null ? "–" : foreign(pair.rejected, 300)}</td><td class="n">${margin(pair.base)}</td><td class="n">${margin(pair.tuned)}</td></tr>`;
  return html`<section><h2>${words.preference}</h2><div class="scroll" tabindex="0"><table><tbody>
${figure(words.rewardMargin, rewardMargin === null ? null : f.signed(rewardMargin, 3))}
${figure(words.rewardAccuracy, rewardAccuracy === null ? null : f.percent(rewardAccuracy))}
</tbody></table></div><p class="soft">${words.rewardNote}</p>
<h3>${words.pairSamples}</h3><div class="scroll" tabindex="0"><table><thead><tr><th>${words.question}</th><th>${words.chosen}</th><th>${words.rejected}</th><th class="n">${words.base} ${words.scoreGap}</th><th class="n">${words.tuned} ${words.scoreGap}</th></tr></thead><tbody>
${draw(pairs, shown, seededRandom(seed)).map(one)}</tbody></table></div>
${
  rows.length === 0
    ? ""
    : html`<h3>${words.samples}</h3><div class="scroll" tabindex="0"><table class="samples"><thead><tr><th>${words.question}</th><th>${words.chosen}</th><th>${words.base}</th><th>${words.tuned}</th></tr></thead><tbody>
${rows
  .slice(0, shown)
  .map(
    (row) =>
      html`<tr><td data-label="${words.question}">${foreign(row.prompt, 500)}</td><td data-label="${words.chosen}">${foreign(row.expected, 300)}</td><td data-label="${words.base}">${row.base ? foreign(compact(row.base.answer), 400) : "–"}</td><td data-label="${words.tuned}">${foreign(compact(row.tuned.answer), 400)}</td></tr>`,
  )}</tbody></table></div>`
}<p class="soft">${words.invisible}</p></section>`;
};
