import { confusionMatrix } from "../charts.ts";
import { foreign, html } from "../html.ts";
import type { Section } from "../section.ts";

const shown = 15;

export const confusionsSection: Section = ({ data, analysis, words, f }) => {
  if (data.evaluation.preference) return html``;
  const { confusions, matrix, labelCount, tuned } = analysis;
  if (labelCount === 0) return html`<section><h2>${words.confusions}</h2><p>${words.noLabels}</p></section>`;
  if (tuned.correct === tuned.count)
    return html`<section><h2>${words.confusions}</h2><p>${words.noConfusions}</p></section>`;
  return html`<section><h2>${words.confusions}</h2><div class="scroll" tabindex="0"><table>
<thead><tr><th>${words.expected}</th><th>${words.answered}</th><th class="n">${words.count}</th><th class="n">${words.shareOfLabel}</th><th>${words.example}</th></tr></thead><tbody>
${confusions
  .slice(0, shown)
  .map(
    (c) =>
      html`<tr><td>${foreign(c.expected, 80)}</td><td>${foreign(c.answer, 80)}</td><td class="n">${f.count(c.count)}</td><td class="n">${f.percent(c.count / Math.max(1, c.expectedRows), 0)}</td><td>${foreign(c.example, 160)}</td></tr>`,
  )}</tbody></table></div>
${
  matrix
    ? html`<h3>${words.matrix}</h3><div class="card scroll" tabindex="0">${confusionMatrix(matrix.labels, matrix.counts, matrix.other, words.other, words.matrix)}</div><p class="soft">${words.matrixNote}</p>`
    : ""
}</section>`;
};
