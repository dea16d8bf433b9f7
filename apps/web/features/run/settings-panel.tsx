"use client";
import { type AttemptSummary, type RunDetail, wordsOf } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { CopyButton } from "../../components/copy-button.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { Facts } from "../../components/facts.tsx";
import { useWords } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { ClockTime, useDurations } from "../../components/time.tsx";
import { Badge, type BadgeTone } from "../../components/ui/badge.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { formatBytes, formatCount, visible } from "../../lib/format.ts";
import { withNames } from "../../lib/names.ts";
import { CopyDialog } from "../new-run/copy-dialog.tsx";
import { defaultAt } from "../new-run/spec/changes.ts";
import { sameValue, valueAt } from "../new-run/spec/paths.ts";
import { settingGroups } from "../new-run/spec/setting-groups.ts";
import { valueWords } from "../new-run/spec/setting-words.ts";
import { formOf } from "../new-run/spec/spec-form.ts";
import type { Translate } from "../new-run/spec/words.ts";
import { useSettingWords } from "../new-run/use-setting-words.ts";
import { useBaseWords } from "../runs/use-base-words.ts";

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

// All that the run was asked for, under the form's heads and in its words; what differs from the defaults stands out.
function SpecCard({ run }: { run: RunDetail }) {
  const t = useTranslations("run.spec");
  const heads = useTranslations("newRun.groups") as Translate;
  const words = useSettingWords();
  const baseWords = useBaseWords();
  // A path or Ollama's name says all by itself.
  const baseOf = (base: string) => (base.startsWith("model:") ? baseWords(run) : visible(base));
  const form = formOf(run.spec);
  const factsOf = (paths: readonly string[]) =>
    paths.flatMap((path) => {
      const value = valueAt(form, path);
      const said = valueWords(words, path, value);
      if (said === null) return [];
      const shown = withNames(said, run.names);
      const changed = !sameValue(value, defaultAt(path, form));
      return [
        [
          words.fields(`${path}.label`),
          changed ? <strong key={path}>{visible(shown)}</strong> : visible(shown),
        ] as const,
      ];
    });
  return (
    <Card>
      <CardHeader
        title={t("title")}
        description={t("about")}
        actions={
          <>
            <CopyButton text={JSON.stringify(run.spec, null, 2)} label={t("copy")} />
            <CopyDialog spec={run.spec} dataset={`${run.datasetName}@${run.datasetVersion}`} />
          </>
        }
      />
      <CardBody className="space-y-4">
        <Facts
          className={columns}
          items={[
            [words.fields("base.label"), baseOf(run.spec.base)],
            [words.fields("dataset.label"), `${visible(run.datasetName)} v${run.datasetVersion}`],
          ]}
        />
        {settingGroups(form).map(({ group, paths }) => (
          <section key={group}>
            <h3 className="mb-1.5 font-medium text-sm">{heads(group)}</h3>
            <Facts className={columns} items={factsOf(paths)} />
          </section>
        ))}
      </CardBody>
    </Card>
  );
}
// The same widths under every head.
const columns = "grid-cols-[minmax(0,2fr)_minmax(0,3fr)]";

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
  const words = useWords();
  const { duration, seconds } = useDurations();
  const { plan } = run;
  if (!plan) return null;
  const note = wordsOf(plan, "stepsNote");
  return (
    <Card>
      <CardHeader title={t("title")} />
      <CardBody className="space-y-3">
        <Facts
          className={columns}
          items={[
            [t("steps"), plan.steps],
            ...(note ? [[t("ends"), words(note)] as const] : []),
            ...(plan.secondsPerStep === null ? [] : [[t("secondsPerStep"), seconds(plan.secondsPerStep)] as const]),
            ...(plan.totalSeconds === null ? [] : [[t("totalSeconds"), duration(plan.totalSeconds)] as const]),
            [t("tokens"), formatCount(plan.data.tokens)],
            [t("trainedTokens"), formatCount(plan.data.supervisedTokens)],
            [t("truncatedRows"), plan.data.truncatedRows],
            [t("zeroTargetRows"), plan.data.zeroTargetRows],
          ]}
        />
        <div>
          <h3 className="mb-1.5 font-medium text-sm">{t("memory")}</h3>
          <Facts
            className={columns}
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
  yielded: "neutral",
  diskFull: "warning",
  cancelled: "neutral",
};

function AttemptsCard({ attempts }: { attempts: readonly AttemptSummary[] }) {
  const t = useTranslations("run.attempts");
  if (attempts.length === 0) return null;
  const columns: Column<AttemptSummary>[] = [
    {
      key: "attempt",
      header: t("number"),
      place: "lead",
      cell: (row) => (
        <span className="tabular font-medium">
          {row.attempt} <Badge tone={tones[row.outcome]}>{t(`outcome.${row.outcome}`)}</Badge>
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
      <DataTable label={t("title")} rows={attempts} columns={columns} rowKey={(row) => row.attempt} />
      {broken.length > 0 ? (
        <CardBody className="space-y-2 pt-3">
          {broken.slice(-3).map((row) => (
            <ProblemNotice key={row.attempt} error={row.problem} tone="warning" />
          ))}
        </CardBody>
      ) : null}
    </Card>
  );
}
