"use client";
import { GradientCheckpointing, optimizerKinds, scheduleKinds } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { NativeSelect } from "../../../components/ui/input.tsx";
import { formatNumber } from "../../../lib/format.ts";
import { NumberSetting, SelectSetting, SpecField, SwitchSetting } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { optimizerForm, optimizerOf, optimizerSettings, scheduleSettings } from "../spec/kinds.ts";
import { Group } from "./group.tsx";

// The usual ones first.
const scheduleOrder = [
  ...(["cosine", "linear", "constant"] as const),
  ...scheduleKinds.filter((kind) => !["cosine", "linear", "constant"].includes(kind)),
];
const number = (value: number | null) => (value === null ? "–" : formatNumber(value));

export function LearningGroup() {
  const t = useTranslations("newRun.groups");
  const words = useTranslations("spec.options");
  const { form, values } = useSpecForm();
  const { optimizer } = values;
  return (
    <Group
      title={t("learning")}
      paths={["learningRate", "schedule", "epochs", "maxSteps", "optimizer", "clipNorm", "guards", "seed"]}
      summary={[
        t("rate", { rate: number(values.learningRate) }),
        words(`schedule.${values.schedule.kind}`),
        words(`optimizer.${optimizer.kind}`),
        values.epochs === null && values.maxSteps !== null
          ? t("steps", { count: values.maxSteps })
          : t("epochs", { count: values.epochs ?? 1 }),
        t("seed", { seed: String(values.seed ?? "–") }),
      ].join(" · ")}
    >
      <NumberSetting path="learningRate" />
      <NumberSetting path="epochs" />
      <SelectSetting path="schedule.kind" options={scheduleOrder} words={(kind) => words(`schedule.${kind}`)} />
      <NumberSetting path="schedule.warmupSteps" />
      {scheduleSettings[values.schedule.kind].map((name) => (
        <NumberSetting key={name} path={`schedule.${name}`} />
      ))}
      <SpecField path="optimizer.kind" shown={() => words("optimizer.adamw")}>
        {(aria) => (
          <NativeSelect
            {...aria}
            value={optimizer.kind}
            onChange={(event) => {
              const next = optimizerOf(event.target.value as typeof optimizer.kind);
              form.setValue("optimizer", optimizerForm(next), { shouldDirty: true });
            }}
          >
            {optimizerKinds.map((kind) => (
              <option key={kind} value={kind}>
                {words(`optimizer.${kind}`)}
              </option>
            ))}
          </NativeSelect>
        )}
      </SpecField>
      <NumberSetting path="optimizer.weightDecay" />
      {optimizerSettings[optimizer.kind].map((name) => (
        <NumberSetting key={`${optimizer.kind}.${name}`} path={`optimizer.${name}`} />
      ))}
      {optimizer.kind === "sgd" ? <SwitchSetting path="optimizer.nesterov" /> : null}
      <NumberSetting path="clipNorm" />
      <SwitchSetting path="guards.nonFinite" />
      <NumberSetting path="guards.spikeFactor" />
      <NumberSetting path="maxSteps" />
      <NumberSetting path="seed" />
    </Group>
  );
}

export function BatchGroup() {
  const t = useTranslations("newRun.groups");
  const words = useTranslations("spec.options");
  const { values } = useSpecForm();
  return (
    <Group
      title={t("batches")}
      paths={[
        "batchRows",
        "microBatchTokens",
        "maxSequenceTokens",
        "packing",
        "lengthGrouping",
        "gradientCheckpointing",
        "threads",
        "memoryBudgetGiB",
      ]}
      summary={[
        t("rowsPerStep", { count: values.batchRows ?? 0 }),
        t("atOnce", { tokens: values.microBatchTokens ?? 0 }),
        t("longest", { tokens: values.maxSequenceTokens ?? 0 }),
      ].join(" · ")}
    >
      <NumberSetting path="batchRows" />
      <NumberSetting path="microBatchTokens" />
      <NumberSetting path="maxSequenceTokens" />
      <NumberSetting path="memoryBudgetGiB" />
      <SwitchSetting path="packing" />
      <SwitchSetting path="lengthGrouping" />
      <SelectSetting
        path="gradientCheckpointing"
        options={GradientCheckpointing.options}
        words={(kind) => words(`gradientCheckpointing.${kind}`)}
      />
      <NumberSetting path="threads" />
    </Group>
  );
}
