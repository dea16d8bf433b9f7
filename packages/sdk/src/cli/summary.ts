import { adaptersOf, bestAdapter, type EvaluationResult, inWords, type RunDetail, reportPath } from "@anneal/contracts";
import { baseUrl } from "../client.ts";
import { wilsonInterval } from "../interval.ts";
import { bytes, duration, oneLine, percent } from "./terminal.ts";

/** What a preference is worth: "margin 0.812, 93.8% of pairs right"; null for other runs. */
export function preferenceText({ rewardMargin, rewardAccuracy }: EvaluationResult): string | null {
  if (rewardMargin === null) return null;
  return `reward margin ${rewardMargin.toFixed(4)}${rewardAccuracy === null ? "" : `, ${percent(rewardAccuracy)} ranked right`}`;
}

function accuracy(result: EvaluationResult | null): string {
  if (!result) return "not measured";
  const preference = preferenceText(result);
  if (preference) return `${preference}${result.loss === null ? "" : `, loss ${result.loss.toFixed(4)}`}`;
  const loss = result.loss === null ? "" : `, loss ${result.loss.toFixed(4)}`;
  if (result.exactMatches === null) return `${percent(result.exactMatch)}${loss}`;
  const judged = result.answers?.judged ?? result.rows;
  const { low, high } = wilsonInterval(result.exactMatches, judged);
  return `${percent(result.exactMatch)} exact (${result.exactMatches} of ${judged}; 95%: ${percent(low)} to ${percent(high)})${loss}`;
}

/** Adapters side by side, a line each: settings, figures, and which is the best and which the files hold. */
function adapterLines(run: RunDetail): string[] {
  const { adapter = null, adapters: results = [] } = run.evaluationAfter ?? {};
  const best = bestAdapter(results)?.name;
  return adaptersOf(run.spec).map(({ name, rank, learningRate, seed }) => {
    const { loss = null, exactMatch = null } = results.find((one) => one.name === name) ?? {};
    const marks = [...(name === best ? ["lowest loss"] : []), ...(name === adapter ? ["exported"] : [])];
    const figures = [
      ...(loss === null ? [] : [`loss ${loss.toFixed(4)}`]),
      ...(exactMatch === null ? [] : [`${percent(exactMatch)} exact`]),
      ...marks,
    ];
    return `  adapter    ${name}: rank ${rank}, learning rate ${learningRate}, seed ${seed}${figures.length > 0 ? `; ${figures.join(", ")}` : ""}`;
  });
}

const elapsed = (run: RunDetail) =>
  run.startedAt && run.finishedAt ? (Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000 : null;

/** What came of a run, in lines: accuracy before and after with intervals, files, where it is served. */
export function runSummary(run: RunDetail, url: string, baseName = run.base): string {
  const lines = [
    `${oneLine(run.name)}  ${run.status}${elapsed(run) === null ? "" : ` after ${duration(elapsed(run))}`}`,
    `  base       ${oneLine(baseName)}`,
    `  dataset    ${oneLine(run.datasetName)}@${run.datasetVersion}`,
    `  before     ${accuracy(run.evaluationBefore)}`,
    `  after      ${accuracy(run.evaluationAfter)}`,
    ...adapterLines(run),
  ];
  const { verdict } = run.evaluationAfter ?? {};
  if (verdict) {
    lines.push(`  verdict    ${oneLine(inWords(verdict.headline), 500)}`);
    for (const sentence of [...verdict.reasons, ...verdict.limits])
      lines.push(`             ${oneLine(inWords(sentence), 500)}`);
  }
  if (run.problem) lines.push(`  problem    ${oneLine(run.problem.message, 500)}`);
  if (run.problem?.remedy) lines.push(`  remedy     ${oneLine(run.problem.remedy, 500)}`);
  for (const { kind, ggufType, name, bytes: size, quantisation } of run.artifacts) {
    const { perplexity, relativeRmse } = quantisation ?? {};
    const cost = [
      ...(relativeRmse ? [`rounding error ${(100 * relativeRmse).toFixed(2)} %`] : []),
      ...(perplexity ? [`perplexity ${perplexity.tuned.toFixed(3)} -> ${perplexity.file.toFixed(3)}`] : []),
    ];
    lines.push(
      `  ${(kind === "gguf" ? (ggufType ?? "gguf") : kind).padEnd(10)} ${oneLine(name)} (${[bytes(size), ...cost].join(", ")})`,
    );
  }
  for (const deployment of run.deployments) {
    const why = deployment.problem ? `: ${oneLine(deployment.problem.message, 300)}` : "";
    lines.push(`  ollama     ${oneLine(deployment.name)} is ${deployment.status}${why}`);
  }
  lines.push(`  console    ${baseUrl(url)}/runs/${run.id}`);
  if (run.reportArtifactId) lines.push(`  report     ${baseUrl(url)}${reportPath(run.reportArtifactId)}`);
  return lines.join("\n");
}
