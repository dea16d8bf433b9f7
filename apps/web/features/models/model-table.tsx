"use client";
import { type ModelSummary, wordsOf } from "@anneal/contracts";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useWords } from "../../components/phrases.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { formatBytes, formatCount, visible } from "../../lib/format.ts";
import { ModelMenu } from "./model-menu.tsx";

export function ModelTable({
  models,
  onRegister,
}: {
  models: readonly ModelSummary[];
  onRegister: (ref: string) => void;
}) {
  const t = useTranslations("models");
  const words = useWords();
  const common = useTranslations("common");
  const columns: Column<ModelSummary>[] = [
    {
      key: "name",
      header: common("name"),
      place: "lead",
      className: "max-w-96",
      cell: (model) => (
        <>
          <p className="foreign font-medium">{visible(model.name)}</p>
          <p className="foreign text-muted-foreground text-xs">{visible(model.place)}</p>
          {model.supported ? null : (
            <p className="foreign mt-1 text-warning text-xs">
              <span className="font-medium">{t("unsupported")}:</span>{" "}
              {words(wordsOf(model, "unsupportedReason") ?? "")}
            </p>
          )}
        </>
      ),
    },
    {
      key: "source",
      header: t("filter.label"),
      cell: (model) => (
        <span className="flex flex-wrap gap-1">
          <Badge tone="outline">{t(`source.${model.source}`)}</Badge>
          {model.id === null ? null : <Badge tone="info">{t("inRegistry")}</Badge>}
        </span>
      ),
    },
    { key: "family", header: t("facts.family"), cell: ({ facts }) => (facts ? visible(facts.family) : "–") },
    {
      key: "parameters",
      header: t("facts.parameters"),
      numeric: true,
      cell: ({ facts }) => (facts ? formatCount(facts.parameters) : "–"),
    },
    {
      key: "quantisation",
      header: t("facts.quantisation"),
      cell: ({ facts }) => (facts ? visible(facts.quantisation) : "–"),
    },
    {
      key: "context",
      header: t("facts.contextTokens"),
      numeric: true,
      cell: ({ facts }) => (facts ? formatCount(facts.contextTokens) : "–"),
    },
    {
      key: "size",
      header: common("size"),
      numeric: true,
      cell: ({ facts }) => (facts ? formatBytes(facts.fileBytes) : "–"),
    },
    {
      key: "actions",
      header: common("actions"),
      place: "actions",
      cell: (model) => (
        <span className="flex justify-end gap-1">
          {model.supported ? (
            <Button asChild size="sm" className="self-center">
              <Link
                href={`/runs/new?base=${encodeURIComponent(model.id === null ? model.ref : `model:${model.id}`)}`}
                aria-label={`${t("train")}: ${visible(model.name)}`}
              >
                {t("train")}
              </Link>
            </Button>
          ) : null}
          <ModelMenu model={model} onRegister={onRegister} />
        </span>
      ),
    },
  ];
  return <DataTable label={t("table")} rows={models} columns={columns} rowKey={(model) => model.id ?? model.ref} />;
}
