"use client";
import { type OllamaStatus, type SystemStatus, type WorkerSummary, wordsOf } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { ServerOffIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { EmptyState } from "../../components/empty-state.tsx";
import { Facts, Stat } from "../../components/facts.tsx";
import { useWords } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { RelativeTime } from "../../components/time.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { formatBytes, visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { DoctorCard } from "./doctor-card.tsx";
import { InviteWorker, WorkerActions } from "./worker-actions.tsx";

export function SystemPanel() {
  const common = useTranslations("common");
  const trpc = useTRPC();
  const status = useQuery(trpc.system.status.queryOptions(undefined, { refetchInterval: 10_000 }));
  return (
    <div className="space-y-3">
      {status.isPending ? (
        <Card>
          <SkeletonRows label={common("loading")} />
        </Card>
      ) : status.isError ? (
        <ProblemNotice error={status.error} onRetry={() => void status.refetch()} />
      ) : (
        <>
          <NowCard status={status.data} />
          <WorkersCard workers={status.data.workers} />
        </>
      )}
      <DoctorCard />
    </div>
  );
}

function NowCard({ status }: { status: SystemStatus }) {
  const t = useTranslations("settings.system");
  const alive = status.workers.filter((worker) => worker.alive).length;
  return (
    <div className="grid gap-3 lg:grid-cols-2 [&>*]:min-w-0">
      <Card>
        <CardHeader title={t("title")} />
        <dl className="grid grid-cols-2 pb-2 sm:grid-cols-4">
          <Stat label={t("running")} value={status.runningRuns} />
          <Stat label={t("queued")} value={status.queuedRuns} />
          <Stat label={t("workers")} value={alive} />
          <Stat label={t("version")} value={visible(status.version)} />
        </dl>
      </Card>
      <OllamaCard ollama={status.ollama} />
    </div>
  );
}

function OllamaCard({ ollama }: { ollama: OllamaStatus }) {
  const t = useTranslations("settings.ollama");
  const words = useWords();
  return (
    <Card>
      <CardHeader
        title={t("title")}
        actions={
          <Badge tone={ollama.reachable ? "success" : "warning"}>
            {ollama.reachable ? t("reachable", { version: visible(ollama.version ?? "?") }) : t("unreachable")}
          </Badge>
        }
      />
      <CardBody className="space-y-2">
        <Facts
          items={[
            [
              t("host"),
              <code key="host" className="font-mono text-xs">
                {visible(ollama.host)}
              </code>,
            ],
          ]}
        />
        {ollama.reachable ? null : (
          <div className="space-y-1 text-sm">
            {ollama.message ? (
              <p className="foreign text-muted-foreground">{words(wordsOf(ollama, "message") ?? "")}</p>
            ) : null}
            <p>{t("remedy")}</p>
          </div>
        )}
      </CardBody>
    </Card>
  );
}

function WorkersCard({ workers }: { workers: readonly WorkerSummary[] }) {
  const t = useTranslations("settings.system");
  const columns: Column<WorkerSummary>[] = [
    {
      key: "name",
      header: t("workerName"),
      place: "lead",
      cell: (row) => (
        <span className="flex flex-wrap items-center gap-2">
          <span className="foreign font-medium">{visible(row.name)}</span>
          <Badge tone={row.alive ? "success" : "warning"}>{row.alive ? t("alive") : t("gone")}</Badge>
          {row.state === "taking" ? null : <Badge tone="info">{t(`state.${row.state}`)}</Badge>}
        </span>
      ),
    },
    { key: "roles", header: t("roles"), cell: (row) => row.roles.join(", ") },
    {
      key: "run",
      header: t("runs"),
      cell: (row) =>
        row.currentRunId ? (
          <Link href={`/runs/${row.currentRunId}`} className="text-primary underline underline-offset-2">
            {visible(row.currentRunName ?? t("openRun"))}
          </Link>
        ) : (
          <span className="text-muted-foreground">{t("idle")}</span>
        ),
    },
    { key: "isa", header: t("isa"), cell: (row) => visible(row.isa) },
    { key: "threads", header: t("threads"), numeric: true, cell: (row) => row.threads },
    {
      key: "memory",
      header: t("memory"),
      numeric: true,
      cell: (row) => t("memoryOf", { free: formatBytes(row.freeMemoryBytes), total: formatBytes(row.memoryBytes) }),
    },
    { key: "disk", header: t("disk"), numeric: true, cell: (row) => formatBytes(row.diskFreeBytes) },
    {
      key: "labels",
      header: t("labels"),
      cell: (row) =>
        visible(
          Object.entries(row.labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(", "),
        ),
    },
    { key: "change", header: t("change"), cell: (row) => <WorkerActions worker={row} /> },
    { key: "seen", header: t("seen"), cell: (row) => <RelativeTime iso={row.lastSeenAt} /> },
  ];
  return (
    <Card>
      <CardHeader title={t("workers")} description={t("workersBody")} actions={<InviteWorker />} />
      {workers.length === 0 ? (
        <EmptyState icon={ServerOffIcon} title={t("noWorkers")}>
          {t("noWorkersBody")}
        </EmptyState>
      ) : (
        <DataTable label={t("workers")} rows={workers} columns={columns} rowKey={(row) => row.id} />
      )}
    </Card>
  );
}
