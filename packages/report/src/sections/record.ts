import { foreign, html } from "../html.ts";
import type { Section } from "../section.ts";

export const settingsSection: Section = ({ data, words, say }) => {
  if (data.settings.length === 0) return html``;
  return html`<section><h2>${words.settings}</h2><div class="scroll" tabindex="0"><table><thead><tr><th>${words.group}</th><th>${words.setting}</th><th>${words.value}</th></tr></thead><tbody>
${data.settings.map((s) => html`<tr><td>${say(s.group)}</td><td>${say(s.name)}</td><td>${foreign(say(s.value), 400)}</td></tr>`)}
</tbody></table></div></section>`;
};

export const provenanceSection: Section = ({ data, words, f, say }) => {
  const { machine, base } = data;
  const line = (name: string, value: string | null) =>
    value === null ? "" : html`<tr><td>${name}</td><td>${foreign(value, 300)}</td></tr>`;
  return html`<section><h2>${words.provenance}</h2>
<div class="scroll" tabindex="0"><table><thead><tr><th>${words.what}</th><th>${words.name}</th><th>${words.digest}</th><th class="n">${words.size}</th></tr></thead><tbody>
${data.provenance.map((p) => html`<tr><td>${say(p.what)}</td><td>${foreign(p.name, 200)}${p.note === null ? "" : html`<br><small>${say(p.note)}</small>`}</td><td><code>${p.digest ?? "–"}</code></td><td class="n">${p.bytes === null ? "" : f.bytes(p.bytes)}</td></tr>`)}
</tbody></table></div>
<div class="scroll" tabindex="0"><table><tbody>
${line(words.baseModel, base.name)}${line(words.architecture, base.architecture)}${line(words.parameters, base.parameters === null ? null : f.compact(base.parameters))}${line(words.license, base.license)}
${line(words.engine, `Anneal ${data.annealVersion}`)}${line(words.isa, machine.isa)}${line(words.threads, String(machine.threads))}${line(words.machine, [machine.cpu, machine.os].filter((v) => v !== null).join(" · ") || null)}
</tbody></table></div></section>`;
};

export const limitsSection: Section = ({ data, words, f, say }) => {
  const { evaluation, dataset } = data;
  const limits = [
    words.limitRows(
      f.count(evaluation.preference?.pairs.length ?? evaluation.rows.length),
      f.count(dataset.heldOutRows),
    ),
    words.limitSource(say(dataset.heldOutSource)),
    words.limitRule(say(evaluation.matchRule)),
    words.limitDecoding(say(evaluation.decoding)),
    words.limitOnce,
    ...(data.serving.length > 0 ? [words.limitTested] : []),
    words.limitScope,
    ...(evaluation.verdict?.limits ?? []).map(say),
    ...data.notes.map(say),
  ];
  return html`<section><h2>${words.limits}</h2><ul>${limits.map((limit) => html`<li>${foreign(limit, 1000)}</li>`)}</ul></section>`;
};
