"use client";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { PageHeader } from "../../components/page-header.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Card } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "../../components/ui/tabs.tsx";
import { problemOf } from "../../lib/problem.ts";
import { useUrlState } from "../../lib/use-url-state.ts";
import { PublishDialog } from "../deployments/publish-dialog.tsx";
import { isFinal } from "../runs/run-actions.ts";
import { NoWorkerNotice } from "../shell/no-worker-notice.tsx";
import { AdaptersCard } from "./adapters-card.tsx";
import { AnswersPanel } from "./answers-panel.tsx";
import { CurvesPanel } from "./charts/curves-panel.tsx";
import { CheckpointsPanel } from "./checkpoints-panel.tsx";
import { EventsPanel } from "./events/events-panel.tsx";
import { KeyFigures } from "./key-figures.tsx";
import { ProgressCard } from "./progress-card.tsx";
import { ResultsPanel } from "./results-panel.tsx";
import { RunHeader } from "./run-header.tsx";
import { SettingsPanel } from "./settings-panel.tsx";
import { useRun } from "./use-run.ts";

const tabs = ["curves", "answers", "results", "checkpoints", "events", "settings"] as const;
type Tab = (typeof tabs)[number];
const readTab = (text: string | null): Tab => tabs.find((name) => name === text) ?? "curves";

export function RunPage({ runId }: { runId: string }) {
  const t = useTranslations("run");
  const runs = useTranslations("runs");
  const common = useTranslations("common");
  const [tab, setTab] = useUrlState("tab", readTab);
  // null: closed; a step's id or "final" says what the dialog offers first
  const [publishing, setPublishing] = useState<string | null>(null);
  const { run, store, metrics } = useRun(runId);

  if (!run.data)
    return (
      <>
        <PageHeader
          back={{ href: "/runs", label: runs("title") }}
          title={run.isError && problemOf(run.error).code === "NOT_FOUND" ? t("header.deletedTitle") : runs("run")}
          titleText={runs("run")}
        />
        {run.isError ? (
          <ProblemNotice error={run.error} onRetry={() => void run.refetch()} />
        ) : (
          <Card>
            <SkeletonRows rows={6} label={common("loading")} />
          </Card>
        )}
      </>
    );
  const detail = run.data;
  return (
    <>
      <RunHeader run={detail} onPublish={() => setPublishing("final")} />
      <div className="space-y-3">
        {detail.problem ? (
          <ProblemNotice
            error={detail.problem}
            {...(detail.status === "failed" ? { heading: runs("failedHeading") } : {})}
            tone={detail.status === "failed" ? "danger" : "warning"}
          />
        ) : null}
        {isFinal(detail.status) || detail.status === "paused" ? null : <NoWorkerNotice to="train" />}
        {run.isError ? <ProblemNotice error={run.error} tone="warning" /> : null}
        <ProgressCard run={detail} />
        <KeyFigures run={detail} store={store} />
      </div>
      <Tabs value={tab} onValueChange={(value) => setTab(readTab(value))} className="mt-4">
        <TabsList aria-label={t("tabs.label")}>
          {tabs.map((name) => (
            <TabsTrigger key={name} value={name}>
              {t(`tabs.${name}`)}
            </TabsTrigger>
          ))}
        </TabsList>
        <TabsContent value="curves">
          {metrics.isError ? (
            <ProblemNotice error={metrics.error} onRetry={() => void metrics.refetch()} className="mb-3" />
          ) : null}
          {metrics.isPending ? (
            <Card>
              <SkeletonRows rows={6} label={common("loading")} />
            </Card>
          ) : (
            <div className="space-y-3">
              <AdaptersCard run={detail} store={store} />
              <CurvesPanel store={store} />
            </div>
          )}
        </TabsContent>
        <TabsContent value="answers">
          <AnswersPanel runId={runId} />
        </TabsContent>
        <TabsContent value="results">
          <ResultsPanel run={detail} store={store} onPublish={() => setPublishing("final")} />
        </TabsContent>
        <TabsContent value="checkpoints">
          <CheckpointsPanel checkpoints={detail.checkpoints} onPublish={setPublishing} />
        </TabsContent>
        <TabsContent value="events">
          <EventsPanel runId={runId} />
        </TabsContent>
        <TabsContent value="settings">
          <SettingsPanel run={detail} />
        </TabsContent>
      </Tabs>
      <PublishDialog
        run={detail}
        source={publishing}
        onClose={() => setPublishing(null)}
        onStarted={() => {
          setPublishing(null);
          setTab("results");
        }}
      />
    </>
  );
}
