import { foreign, html } from "../html.ts";
import type { ReportAnswer, ReportRow } from "../schema.ts";
import type { Section } from "../section.ts";
import { draw, seededRandom } from "../stats.ts";
import type { Words } from "../words.ts";

const perKind = 4;

// Drawn by a seeded lottery within each kind, so that nobody picks the pretty ones; losses come before mere successes.
export const samplesSection: Section = ({ data, words }) => {
  if (data.evaluation.preference) return html``; // its own section shows answers that no rule calls right or wrong
  const judged = data.evaluation.rows.filter(({ base, tuned }) => tuned.judged && (base?.judged ?? true));
  const others = data.evaluation.rows.filter((row) => !judged.includes(row));
  const kinds: [string, (row: ReportRow) => boolean][] = [
    [words.gained, (r) => r.tuned.correct && r.base !== null && !r.base.correct],
    [words.lost, (r) => !r.tuned.correct && r.base?.correct === true],
    [words.stillWrong, (r) => !r.tuned.correct && r.base?.correct !== true],
    [words.stillRight, (r) => r.tuned.correct && r.base?.correct !== false],
  ];
  const sets = kinds.map(([title, belongs]): [string, ReportRow[]] => [title, judged.filter(belongs)]);
  if (others.length > 0) sets.push([words.unjudged, others]);
  const exported = data.adapters.find((adapter) => adapter.exported);
  const tuned = exported ? html`${words.tuned} (${foreign(exported.name, 60)})` : html`${words.tuned}`;
  return html`<section><h2>${words.samples}</h2>${sets.map(([title, of], i) => {
    const rows = draw(of, perKind, seededRandom(data.evaluation.seed + i));
    if (rows.length === 0) return html`<h3>${title}</h3><p class="soft">${words.noSamples}</p>`;
    return html`<h3>${title}</h3><div class="scroll" tabindex="0"><table class="samples"><thead><tr><th>${words.question}</th><th>${words.expected}</th><th>${words.base}</th><th>${tuned}</th></tr></thead><tbody>${rows.map(
      (row) =>
        html`<tr><td data-label="${words.question}">${foreign(row.prompt, 500)}</td><td data-label="${words.expected}">${foreign(row.expected, 300)}</td><td data-label="${words.base}">${answer(row.base, words)}</td><td data-label="${words.tuned}">${answer(row.tuned, words)}</td></tr>`,
    )}</tbody></table></div>`;
  })}<p class="soft">${words.invisible}</p></section>`;
};

function answer(value: ReportAnswer | null, words: Words) {
  if (!value) return html`<span class="soft">${words.notMeasured}</span>`;
  return html`${foreign(value.answer, 400)} ${value.cut ? html`<span class="mark">${words.cut}</span> ` : ""}${value.judged ? html`<span class="${value.correct ? "right" : "wrong"}">${value.correct ? `✓ ${words.right}` : `✗ ${words.wrong}`}</span>` : html`<span class="soft">${words.notJudgedRow}</span>`}`;
}
