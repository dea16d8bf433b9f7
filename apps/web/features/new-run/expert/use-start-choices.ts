"use client";
import { AdapterRef, runAdapter } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { useFormatter, useTranslations } from "next-intl";
import { useMemo } from "react";
import type { ComboboxOption } from "../../../components/combobox.tsx";
import { visible } from "../../../lib/format.ts";
import { useTRPC } from "../../../lib/trpc.ts";

/** Adapters to go on from: those of finished runs by name, or whatever reference is typed. */
export function useStartChoices(): {
  options: ComboboxOption[];
  words: (value: string) => string;
  typed: (choose: (ref: string) => void) => (search: string) => { label: string; choose: () => void } | null;
} {
  const t = useTranslations("newRun.groups");
  const base = useTranslations("newRun.base");
  const format = useFormatter();
  const trpc = useTRPC();
  const runs = useQuery(trpc.runs.list.queryOptions({ status: ["succeeded"], search: "lora", limit: 200 }));
  return useMemo(() => {
    const tuned = (runs.data?.items ?? []).filter(({ methodKind }) => methodKind === "lora");
    return {
      options: [
        { value: "", label: t("freshAdapter") },
        ...tuned.map((run) => ({
          value: `run:${run.id}`,
          label: t("fromRun", { name: visible(run.name) }),
          note: [
            `${visible(run.datasetName)} v${run.datasetVersion}`,
            format.dateTime(new Date(run.createdAt), { dateStyle: "medium", timeStyle: "short" }),
          ].join(" · "),
        })),
      ],
      words: (value) => {
        if (value === "") return t("freshAdapter");
        const from = runAdapter(value);
        const run = from && tuned.find(({ id }) => id === from.runId);
        if (!run) return visible(value);
        return from.adapter
          ? t("fromRunAdapter", { name: visible(run.name), adapter: visible(from.adapter) })
          : t("fromRun", { name: visible(run.name) });
      },
      typed: (choose) => (search) =>
        AdapterRef.safeParse(search).success
          ? { label: base("useTyped", { ref: visible(search) }), choose: () => choose(search) }
          : null,
    };
  }, [runs.data, t, base, format]);
}
