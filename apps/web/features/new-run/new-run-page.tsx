"use client";
import type { RunSpec } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { PageHeader } from "../../components/page-header.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Card } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { NoWorkerNotice } from "../shell/no-worker-notice.tsx";
import { NewRunForm } from "./new-run-form.tsx";
import { emptyForm, formOf, type SpecForm } from "./spec/spec-form.ts";

// A new run, blank or as a copy of another (?from=RUN); a dataset's page comes with ?dataset=VERSION, a model's with ?base=REF.
export function NewRunPage({ from, dataset, base }: { from?: string; dataset?: string; base?: string }) {
  const t = useTranslations("newRun");
  const trpc = useTRPC();
  const origin = useQuery(trpc.runs.get.queryOptions({ runId: from ?? "" }, { enabled: from !== undefined }));
  const header = (
    <PageHeader
      title={t("title")}
      titleText={t("title")}
      description={origin.data ? t("copyOf", { name: visible(origin.data.name) }) : t("about")}
      {...(from ? { back: { href: `/runs/${from}`, label: t("backToRun") } } : {})}
    />
  );
  if (from !== undefined && origin.isPending)
    return (
      <>
        {header}
        <Card>
          <SkeletonRows label={t("loading")} />
        </Card>
      </>
    );
  return (
    <>
      {header}
      {origin.error ? (
        <ProblemNotice className="mb-4" error={origin.error} onRetry={() => void origin.refetch()} />
      ) : null}
      <NoWorkerNotice to="train" className="mb-4" />
      <NewRunForm initial={origin.data ? copyOf(origin.data.spec) : blank(dataset, base)} />
    </>
  );
}

const copyOf = (spec: RunSpec): SpecForm => ({ ...formOf(spec), name: "" });
const blank = (dataset = "", base = ""): SpecForm => ({ ...emptyForm(), dataset, base });
