"use client";
import { type DatasetFormat, isPreference, objectiveKinds, trainsFormat } from "@anneal/contracts";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ScanSearchIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { EmptyState } from "../../../components/empty-state.tsx";
import { Field } from "../../../components/field.tsx";
import { ProblemNotice } from "../../../components/problem-notice.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Card, CardBody, CardHeader } from "../../../components/ui/card.tsx";
import { Input, NativeSelect } from "../../../components/ui/input.tsx";
import { SkeletonRows } from "../../../components/ui/skeleton.tsx";
import { useTRPC } from "../../../lib/trpc.ts";
import { BasePicker } from "../../base-picker/base-picker.tsx";
import { CheckFacts, CheckVerdict } from "./check-facts.tsx";
import { RenderedRow, XrayLegend } from "./rendered-row.tsx";
import { TokenHistogram } from "./token-histogram.tsx";

const steps = [10, 25, 50] as const;

// What a base model would see of these rows, and what of it would be learnt.
export function XrayPanel({ versionId, format }: { versionId: string; format: DatasetFormat }) {
  const t = useTranslations("datasets.xray");
  const words = useTranslations("spec.options");
  const trpc = useTRPC();
  const id = useId();
  const [base, setBase] = useState("");
  const [length, setLength] = useState("1024");
  const [examples, setExamples] = useState<number>(steps[0]);
  const objectives = objectiveKinds.filter((one) => trainsFormat(one, format));
  const [chosen, setObjective] = useState<(typeof objectiveKinds)[number] | null>(null);
  const objective = objectives.find((one) => one === chosen) ?? objectives.find(isPreference) ?? "sft";
  const [show, setShow] = useState<"any" | "troubled">("any");
  const maxSequenceTokens = Number(length);
  const valid = Number.isInteger(maxSequenceTokens) && maxSequenceTokens >= 8 && maxSequenceTokens <= 1_048_576;
  const check = useQuery(
    trpc.datasets.check.queryOptions(
      { versionId, base, maxSequenceTokens, examples, objective, show },
      { enabled: base !== "" && valid, staleTime: Number.POSITIVE_INFINITY, placeholderData: keepPreviousData },
    ),
  );
  const rowsShown = new Set(check.data?.examples.map(({ row }) => row)).size; // a pair is shown as two
  const more = steps.find((step) => step > examples);
  return (
    <div className="space-y-4">
      <Card>
        <CardBody className="grid gap-4 pt-4 sm:grid-cols-[1fr_14rem_14rem]">
          <BasePicker id={`${id}-base`} label={t("base")} value={base} onChange={setBase} hint={t("baseHint")} />
          <Field
            id={`${id}-length`}
            label={t("maxSequenceTokens")}
            hint={t("lengthHint")}
            error={valid ? undefined : t("badLength")}
          >
            {(aria) => (
              <Input
                {...aria}
                type="number"
                min={8}
                value={length}
                onChange={(event) => setLength(event.target.value)}
              />
            )}
          </Field>
          <Field id={`${id}-objective`} label={t("objective")} hint={t("objectiveHint")}>
            {(aria) => (
              <NativeSelect
                {...aria}
                value={objective}
                onChange={(event) => setObjective(objectives.find((one) => one === event.target.value) ?? null)}
              >
                {objectives.map((one) => (
                  <option key={one} value={one}>
                    {words(`objective.${one}`)}
                  </option>
                ))}
              </NativeSelect>
            )}
          </Field>
        </CardBody>
      </Card>
      {base === "" ? (
        <Card>
          <EmptyState icon={ScanSearchIcon} title={t("choose")}>
            {t("chooseBody")}
          </EmptyState>
        </Card>
      ) : null}
      {check.error ? <ProblemNotice error={check.error} onRetry={() => void check.refetch()} /> : null}
      {check.isLoading ? (
        <Card>
          <SkeletonRows label={t("working")} rows={3} />
        </Card>
      ) : null}
      {base !== "" && check.data && !check.error ? (
        <>
          <CheckVerdict check={check.data} />
          <CheckFacts check={check.data} />
          <Card>
            <CardBody className="pt-3">
              <TokenHistogram check={check.data} maxSequenceTokens={maxSequenceTokens} />
            </CardBody>
          </Card>
          <Card aria-busy={check.isFetching}>
            <CardHeader
              title={t("examples")}
              description={<XrayLegend />}
              actions={
                check.data.troubledRows > 0 || show === "troubled" ? (
                  <Button
                    size="sm"
                    aria-pressed={show === "troubled"}
                    onClick={() => setShow(show === "troubled" ? "any" : "troubled")}
                  >
                    {show === "troubled" ? t("showAll") : t("showTroubled", { count: check.data.troubledRows })}
                  </Button>
                ) : null
              }
            />
            <div className="divide-y border-t">
              {check.data.examples.map((row) => (
                <RenderedRow key={`${row.row} ${row.side}`} row={row} />
              ))}
            </div>
            {more && (show === "troubled" ? check.data.troubledRows : check.data.rows) > rowsShown ? (
              <div className="border-t p-3">
                <Button size="sm" disabled={check.isFetching} onClick={() => setExamples(more)}>
                  {t("more", { count: more })}
                </Button>
              </div>
            ) : null}
          </Card>
        </>
      ) : null}
    </div>
  );
}
