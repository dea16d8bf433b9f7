"use client";
import type { AttemptSummary, RunDetail } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import type { ReactNode } from "react";
import { CopyButton } from "../../components/copy-button.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { Facts } from "../../components/facts.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { ClockTime } from "../../components/time.tsx";
import { Badge, type BadgeTone } from "../../components/ui/badge.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { formatBytes, formatCount, formatDuration, formatNumber, visible } from "../../lib/format.ts";
import { CopyDialog } from "../new-run/copy-dialog.tsx";

export function SettingsPanel({ run }: { run: RunDetail }) {
  return (
    <div className="grid gap-3 [&>*]:min-w-0 xl:grid-cols-2">
      <SpecCard run={run} />
      <div className="space-y-3">
        <PlanCard run={run} />
        <AttemptsCard attempts={run.attempts} />
      </div>
    </div>
  );
}

function SpecCard({ run }: { run: RunDetail }) {
  const t = useTranslations("run.spec");
  const common = useTranslations("common");
  const { spec } = run;
  const method =
    spec.method.kind === "full"
      ? "full"
      : `LoRA r ${spec.method.rank}, α ${formatNumber(spec.method.alpha)}${spec.method.rsLora ? ", rsLoRA" : ""}, dropout ${spec.method.dropout}; ${spec.method.targets.join(", ")}`;
  const yesNo = (value: boolean) => (value ? common("yes") : common("no"));
  const items: (readonly [ReactNode, ReactNode])[] = [
    [t("base"), visible(spec.base)],
    [t("dataset"), `${visible(run.datasetName)} v${run.datasetVersion}`],
    [t("method"), method],
    ...(spec.adapters.length === 0 ? [] : [[t("adapters"), spec.adapters.map(({ name }) => name).join(", ")] as const]),
    [t("objective"), kindWords(spec.objective)],
    [t("precision"), spec.precision],
    ...(spec.baseStorage === "dense" ? [] : [[t("baseStorage"), spec.baseStorage] as const]),
    [t("optimizer"), kindWords(spec.optimizer)],
    [t("learningRate"), formatNumber(spec.learningRate)],
    [t("schedule"), `${spec.schedule.kind}, warm-up ${spec.schedule.warmupSteps}`],
    [t("epochs"), formatNumber(spec.epochs)],
    ...(spec.maxSteps === null ? [] : [[t("maxSteps"), spec.maxSteps] as const]),
    [t("batchRows"), spec.batchRows],
    [t("microBatchTokens"), spec.microBatchTokens],
    [t("maxSequenceTokens"), spec.maxSequenceTokens],
    [t("packing"), yesNo(spec.packing)],
    [t("gradientCheckpointing"), yesNo(spec.gradientCheckpointing)],
    [t("clipNorm"), spec.clipNorm === 0 ? common("none") : spec.clipNorm],
    [t("seed"), spec.seed],
    [t("threads"), spec.threads ?? common("all")],
    ...(spec.memoryBudgetBytes === null
      ? []
      : [[t("memoryBudgetBytes"), formatBytes(spec.memoryBudgetBytes)] as const]),
    [t("evaluation"), json(spec.evaluation)],
    [t("checkpoints"), json(spec.checkpoints)],
    [t("samples"), json(spec.samples)],
    [t("export"), json(spec.export)],
    [t("publish"), spec.publish ? `${visible(spec.publish.name)} (${spec.publish.gguf})` : common("none")],
  ];
  return (
    <Card>
      <CardHeader
        title={t("title")}
        actions={
          <>
            <CopyButton text={JSON.stringify(spec, null, 2)} label={t("copy")} />
            <CopyDialog spec={spec} />
          </>
        }
      />
      <CardBody>
        <Facts items={items} />
      </CardBody>
    </Card>
  );
}

/** A choice with its settings: "dpo, beta 0.1". */
const kindWords = (choice: Record<string, unknown>) =>
  visible(
    Object.entries(choice)
      .map(([name, value]) => (name === "kind" ? String(value) : `${name} ${value}`))
      .join(", "),
  );

// {"everySteps":null,"keepLast":2} as words: keepLast 2; what is left to Anneal is left out.
const json = (value: Record<string, unknown>) =>
  visible(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && !(Array.isArray(inner) && inner.length === 0))
      .map(([key, inner]) => `${key} ${Array.isArray(inner) ? inner.join(", ") : String(inner)}`)
      .join("; ") || "–",
  );

const memoryParts = [
  "weightBytes",
  "blockBytes",
  "adapterBytes",
  "gradientBytes",
  "optimizerBytes",
  "activationBytes",
  "referenceBytes",
  "logitsBytes",
  "packingBytes",
  "runtimeBytes",
] as const;

function PlanCard({ run }: { run: RunDetail }) {
  const t = useTranslations("run.plan");
  const { plan } = run;
  if (!plan) return null;
  return (
    <Card>
      <CardHeader title={t("title")} />
      <CardBody className="space-y-3">
        <Facts
          items={[
            [t("steps"), plan.steps],
            ...(plan.secondsPerStep === null
              ? []
              : [[t("secondsPerStep"), `${formatNumber(plan.secondsPerStep, 3)} s`] as const]),
            ...(plan.totalSeconds === null ? [] : [[t("totalSeconds"), formatDuration(plan.totalSeconds)] as const]),
            [t("tokens"), formatCount(plan.data.tokens)],
            [t("trainedTokens"), formatCount(plan.data.supervisedTokens)],
            [t("truncatedRows"), plan.data.truncatedRows],
            [t("zeroTargetRows"), plan.data.zeroTargetRows],
          ]}
        />
        <div>
          <h3 className="mb-1.5 font-medium text-sm">{t("memory")}</h3>
          <Facts
            items={[
              ...memoryParts
                .filter((name) => plan.memory[name] > 0)
                .map((name) => [t(name), formatBytes(plan.memory[name])] as const),
              [t("totalBytes"), <strong key="total">{formatBytes(plan.memory.totalBytes)}</strong>],
            ]}
          />
        </div>
      </CardBody>
    </Card>
  );
}

const tones: Record<AttemptSummary["outcome"], BadgeTone> = {
  running: "info",
  succeeded: "success",
  failed: "danger",
  lost: "warning",
  paused: "warning",
  cancelled: "neutral",
};

function AttemptsCard({ attempts }: { attempts: readonly AttemptSummary[] }) {
  const t = useTranslations("run.attempts");
  if (attempts.length === 0) return null;
  const columns: Column<AttemptSummary>[] = [
    {
      key: "epoch",
      header: t("number"),
      place: "lead",
      cell: (row) => (
        <span className="tabular font-medium">
          {row.epoch} <Badge tone={tones[row.outcome]}>{t(`outcome.${row.outcome}`)}</Badge>
        </span>
      ),
    },
    { key: "worker", header: t("worker"), cell: (row) => <span className="foreign">{visible(row.workerName)}</span> },
    { key: "started", header: t("started"), cell: (row) => <ClockTime iso={row.startedAt} date /> },
    {
      key: "from",
      header: t("resumed"),
      cell: (row) => (row.resumedFromStep === null ? t("fresh") : t("resumedFrom", { step: row.resumedFromStep })),
    },
  ];
  const broken = attempts.filter(({ problem }) => problem !== null);
  return (
    <Card>
      <CardHeader title={t("title")} />
      <DataTable label={t("title")} rows={attempts} columns={columns} rowKey={(row) => row.epoch} />
      {broken.length > 0 ? (
        <CardBody className="space-y-2 pt-3">
          {broken.slice(-3).map((row) => (
            <ProblemNotice key={row.epoch} error={row.problem} tone="warning" />
          ))}
        </CardBody>
      ) : null}
    </Card>
  );
}
