"use client";
import type { RunEventBody } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { formatBytes, formatNumber, formatPercent, visible } from "../../../lib/format.ts";
import { usePhaseWords } from "../../deployments/phase-words.ts";

// An event in words; what came from outside is made visible.
export function useEventText(): (body: RunEventBody) => string {
  const t = useTranslations("run.events.text");
  const runs = useTranslations("runs");
  const deployments = useTranslations("run.deploymentStatus");
  const phaseWords = usePhaseWords();
  return (body) => {
    switch (body.type) {
      case "status":
        return body.problem
          ? `${runs(`status.${body.status}`)}: ${visible(body.problem.message)}`
          : runs(`status.${body.status}`);
      case "stage": {
        const key = {
          started: "stageStarted",
          finished: "stageFinished",
          skipped: "stageSkipped",
          failed: "stageFailed",
        }[body.state];
        return withNote(t(key, { stage: runs(`stage.${body.stage}`) }), body.note);
      }
      case "attempt":
        return body.resumedFromStep === null
          ? t("attempt", { epoch: body.epoch, worker: visible(body.workerName) })
          : t("attemptResumed", { epoch: body.epoch, worker: visible(body.workerName), step: body.resumedFromStep });
      case "checkpoint":
        return t(body.isBest ? "checkpointBest" : "checkpoint", { step: body.step, size: formatBytes(body.bytes) });
      case "evaluation": {
        const { rows, loss, exactMatch, rewardMargin } = body.result;
        const key = { before: "evaluationBefore", during: "evaluationDuring", after: "evaluationAfter" }[body.which];
        const parts = [t(key, { rows, step: body.step })];
        if (exactMatch !== null) parts.push(t("exactMatch", { value: formatPercent(exactMatch) }));
        if (rewardMargin !== null) parts.push(t("rewardMargin", { value: formatNumber(rewardMargin) }));
        if (loss !== null) parts.push(t("loss", { value: formatNumber(loss) }));
        return parts.join(", ");
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
        const words = body.phase ? phaseWords(body.phase) : deployments(body.status);
        const phase = body.fraction === null ? words : `${words} (${formatPercent(body.fraction, 0)})`;
        return body.problem
          ? `${t("deployment", { phase })}: ${visible(body.problem.message)}`
          : t("deployment", { phase });
      }
      case "log":
        return visible(body.message);
      case "progress":
        return body.progress.note ? visible(body.progress.note) : runs(`stage.${body.progress.stage}`);
      case "metrics":
        return Object.entries(body.values)
          .map(([name, value]) => `${name} ${formatNumber(value ?? Number.NaN)}`)
          .join(", ");
    }
  };
}

const withNote = (text: string, note: string | null) => (note ? `${text}: ${visible(note)}` : text);
