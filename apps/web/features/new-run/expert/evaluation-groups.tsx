"use client";
import { useTranslations } from "next-intl";
import { formatPercent, visible } from "../../../lib/format.ts";
import type { VersionOption } from "../dataset-options.ts";
import { ComboboxSetting, NumberSetting, SwitchSetting } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { useVersionChoices } from "../use-version-choices.ts";
import { Group } from "./group.tsx";
import { Prompts } from "./prompts.tsx";

export function EvaluationGroup({ versions }: { versions: readonly VersionOption[] }) {
  const t = useTranslations("newRun.groups");
  const form = useTranslations("newRun");
  const { values } = useSpecForm();
  const { evaluation } = values;
  const wordsOf = (versionId: string) => {
    const version = versions.find(({ id }) => id === versionId);
    if (version) return t("versionOption", { name: visible(version.name), number: version.number, rows: version.rows });
    return versionId === "" ? t("split") : form("unknownDataset");
  };
  const choices = useVersionChoices(versions);
  return (
    <Group
      title={t("evaluation")}
      paths={["evaluation", "stoppingEarly", "earlyStopping"]}
      summary={[
        evaluation.dataset === ""
          ? t("splitShare", { share: formatPercent(evaluation.heldOutFraction ?? 0, 0) })
          : wordsOf(evaluation.dataset),
        evaluation.everySteps === null ? t("tenTimes") : t("everySteps", { count: evaluation.everySteps }),
      ].join(" · ")}
    >
      <ComboboxSetting
        path="evaluation.dataset"
        options={[{ value: "", label: t("split") }, ...choices.filter(({ value }) => value !== values.dataset)]}
        words={wordsOf}
      />
      {evaluation.dataset === "" ? <NumberSetting path="evaluation.heldOutFraction" /> : null}
      <NumberSetting path="evaluation.everySteps" />
      <NumberSetting path="evaluation.maxRows" />
      <NumberSetting path="evaluation.finalMaxRows" />
      <NumberSetting path="evaluation.maxNewTokens" />
      <SwitchSetting path="stoppingEarly" />
      {values.stoppingEarly ? (
        <>
          <NumberSetting path="earlyStopping.patience" />
          <NumberSetting path="earlyStopping.minDelta" />
        </>
      ) : null}
    </Group>
  );
}

export function KeepingGroup() {
  const t = useTranslations("newRun.groups");
  const { values } = useSpecForm();
  const { checkpoints, samples } = values;
  return (
    <Group
      title={t("keeping")}
      paths={["checkpoints", "samples"]}
      summary={[
        checkpoints.everySteps === null ? t("twoMinutes") : t("everySteps", { count: checkpoints.everySteps }),
        t("keep", { count: checkpoints.keepLast ?? 0 }),
        samples.prompts.length > 0 ? t("ownPrompts", { count: samples.prompts.length }) : t("heldOutPrompts"),
      ].join(" · ")}
    >
      <NumberSetting path="checkpoints.everySteps" />
      <NumberSetting path="checkpoints.keepLast" />
      <SwitchSetting path="checkpoints.keepBest" />
      <SwitchSetting path="checkpoints.restoreBest" />
      <NumberSetting path="samples.everySteps" />
      <Prompts />
      <NumberSetting path="samples.maxNewTokens" />
    </Group>
  );
}
