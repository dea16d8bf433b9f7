import { inWords, type Phrase } from "@anneal/contracts";
import { analyse } from "./analysis.ts";
import { formatter } from "./format.ts";
import { foreign, html } from "./html.ts";
import { ReportData, type ReportInput, type ReportLanguage } from "./schema.ts";
import { adaptersSection } from "./sections/adapters.ts";
import { confusionsSection } from "./sections/confusions.ts";
import { servingSection, trainingSection } from "./sections/measurements.ts";
import { preferenceSection } from "./sections/preference.ts";
import { limitsSection, provenanceSection, settingsSection } from "./sections/record.ts";
import { samplesSection } from "./sections/samples.ts";
import { qualitySection, verdictSection } from "./sections/verdict.ts";
import { logo, style } from "./style.ts";
import { wordsOf } from "./words.ts";

// One self-contained HTML file: inline style and SVG, no script, nothing loaded. Throws a ZodError naming the field when
// the data do not fit. The same data give the same bytes. `phrases`: the language's sentences by the English ones.
export function renderReport(
  input: ReportInput,
  options: { language?: ReportLanguage; phrases?: Readonly<Record<string, string>> } = {},
): string {
  const data = ReportData.parse(input);
  const language = options.language ?? data.language;
  const words = wordsOf(language);
  const f = formatter(language);
  const context = {
    data,
    analysis: analyse(data),
    words,
    f,
    say: (text: string | Phrase) => inWords(text, options.phrases),
  };
  const { run, base, dataset } = data;
  const date = new Date(data.generatedAt);
  const generated = Number.isNaN(date.getTime())
    ? data.generatedAt
    : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const sections = [
    verdictSection,
    qualitySection,
    adaptersSection,
    preferenceSection,
    confusionsSection,
    samplesSection,
    trainingSection,
    servingSection,
    settingsSection,
    provenanceSection,
    limitsSection,
  ];
  return html`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${words.report}${words.colon}${run.name}</title>${style}</head><body><main>
<header><p class="brand">${logo}Anneal</p><h1>${words.report}${words.colon}${foreign(run.name, 160)}</h1>
<p>${words.baseModel} ${foreign(base.name, 160)} · ${words.dataset} ${foreign(dataset.name, 120)} ${foreign(dataset.version, 60)} (${f.count(dataset.trainRows)} ${words.trainRows}, ${f.count(dataset.heldOutRows)} ${words.heldOutRows})</p>
<p>${words.run} <code>${run.id}</code> · ${words.generated} ${generated}</p></header>
${sections.map((section) => section(context))}
<footer>${words.page}</footer></main></body></html>
`.text;
}
