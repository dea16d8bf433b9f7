"use client";
import { type RunEventBody, wordsOf } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useWords } from "../../../components/phrases.tsx";
import { formatBytes, formatNumber, formatPercent, visible } from "../../../lib/format.ts";
import { usePhaseWords } from "../../deployments/phase-words.ts";

// An event in words; what came from outside is made visible.
export function useEventText(): (body: RunEventBody) => string {
  const t = useTranslations("run.events.text");
  const words = useWords();
  const runs = useTranslations("runs");
  const deployments = useTranslations("run.deploymentStatus");
  const phaseWords = usePhaseWords();
  return (body) => {
    switch (body.type) {
      case "status":
        return body.problem
          ? t("with", { text: runs(`status.${body.status}`), detail: words(wordsOf(body.problem, "message")) })
          : runs(`status.${body.status}`);
      case "stage": {
        const key = {
          started: "stageStarted",
          finished: "stageFinished",
          skipped: "stageSkipped",
          failed: "stageFailed",
        }[body.state];
        const note = wordsOf(body, "note");
        const text = t(key, { stage: runs(`stage.${body.stage}`) });
        return note ? t("with", { text, detail: words(note) }) : text;
      }
      case "attempt":
        return body.resumedFromStep === null
          ? t("attempt", { attempt: body.attempt, worker: visible(body.workerName) })
          : t("attemptResumed", {
              attempt: body.attempt,
              worker: visible(body.workerName),
              step: body.resumedFromStep,
            });
      case "checkpoint":
        return t(body.isBest ? "checkpointBest" : "checkpoint", { step: body.step, size: formatBytes(body.bytes) });
      case "evaluation": {
        const { rows, loss, exactMatch, rewardMargin, answers, verdict } = body.result;
        const key = { before: "evaluationBefore", during: "evaluationDuring", after: "evaluationAfter" }[body.which];
        const parts = [t(key, { rows, step: body.step })];
        if (exactMatch !== null) parts.push(t("exactMatch", { value: formatPercent(exactMatch) }));
        if (rewardMargin !== null) parts.push(t("rewardMargin", { value: formatNumber(rewardMargin) }));
        if (loss !== null) parts.push(t("loss", { value: formatNumber(loss) }));
        if (answers && answers.cut > 0)
          parts.push(t("cut", { cut: answers.cut, asked: answers.asked, cap: answers.cap }));
        if (verdict) parts.push(words(verdict.headline));
        return parts.reduce((first, second) => t("and", { first, second }));
      }
      case "samples": {
        const said = t("samples", { count: body.samples.length, step: body.step });
        const adapter = body.samples[0]?.adapter;
        return adapter ? `${said} ${t("byAdapter", { name: visible(adapter) })}` : said;
      }
      case "artifact":
        return t("artifact", { name: visible(body.name), size: formatBytes(body.bytes) });
      case "trained":
        return t("trained", { step: body.step });
      case "guard": {
        const cause = t(body.cause === "spike" ? "guardSpike" : "guardNotFinite");
        const rows = body.rows
          .slice(0, 8)
          .map((row) => row + 1)
          .join(", ");
        const values = { step: body.step + 1, cause, rows: body.rows.length > 8 ? `${rows}, …` : rows };
        return body.backToStep === null
          ? t("guardSkipped", values)
          : t("guardBack", { ...values, back: body.backToStep });
      }
      case "deployment": {
        const name = body.phase ? phaseWords(body.phase) : deployments(body.status);
        const cause = body.problem ? words(wordsOf(body.problem, "message")) : null;
        if (cause !== null && body.phase && body.status !== "live")
          return t("deploymentFailed", { phase: name, cause });
        const phase = body.fraction === null ? name : t("share", { name, share: formatPercent(body.fraction, 0) });
        const text = t("deployment", { phase });
        return cause === null ? text : t("with", { text, detail: cause });
      }
      case "log":
        return words(wordsOf(body, "message"));
      case "progress":
        return words(wordsOf(body.progress, "note") ?? runs(`stage.${body.progress.stage}`));
      case "metrics":
        return Object.entries(body.values)
          .map(([name, value]) => `${name} ${formatNumber(value ?? Number.NaN)}`)
          .join(", ");
    }
  };
}
