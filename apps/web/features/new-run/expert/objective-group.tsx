"use client";
import { isPreference, objectiveKinds } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { NativeSelect } from "../../../components/ui/input.tsx";
import { NumberSetting, SelectSetting, SpecField } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { freshObjective, objectiveSettings } from "../spec/kinds.ts";
import { Group } from "./group.tsx";
import { SourceWeights } from "./source-weights.tsx";
import { TeacherFields } from "./teacher-fields.tsx";

const divergences = ["forward_kl", "reverse_kl", "jsd"] as const;

// What a run learns from: answers, preferences, a teacher; and the settings that this has.
export function ObjectiveGroup() {
  const t = useTranslations("newRun.groups");
  const words = useTranslations("spec.options");
  const { form, values } = useSpecForm();
  const { objective } = values;
  const { kind } = objective;
  return (
    <Group
      title={t("objective")}
      paths={["objective", "neftuneAlpha", "sourceWeights", "routerAuxWeight"]}
      summary={[
        words(`objective.${kind}`),
        ...(isPreference(kind) ? [t("beta", { beta: String(objective.beta ?? "–") })] : []),
        ...(kind === "distill" && objective.teacher === "" && objective.teacherFile === "" ? [t("noTeacher")] : []),
      ].join(" · ")}
    >
      <SpecField path="objective.kind" shown={() => words("objective.sft")} className="sm:col-span-2">
        {(aria) => (
          <NativeSelect
            {...aria}
            value={kind}
            onChange={(event) => {
              // Another kind begins with its own defaults: a beta of DPO's means something else to SimPO.
              const next = event.target.value as typeof kind;
              form.setValue("objective", freshObjective(next, objective.teacher, objective.teacherFile), {
                shouldDirty: true,
              });
              if (!isPreference(next)) return;
              form.setValue("neftuneAlpha", 0, { shouldDirty: true });
              form.setValue("sourceWeights", {}, { shouldDirty: true });
            }}
          >
            {objectiveKinds.map((one) => (
              <option key={one} value={one}>
                {words(`objective.${one}`)}
              </option>
            ))}
          </NativeSelect>
        )}
      </SpecField>
      <p className="text-muted-foreground text-sm sm:col-span-2">{t(`when.${kind}`)}</p>
      {kind === "distill" ? (
        <>
          <TeacherFields />
          <SelectSetting
            path="objective.divergence"
            options={divergences}
            words={(one) => words(`divergence.${one}`)}
          />
          {objective.divergence === "jsd" ? <NumberSetting path="objective.jsdBeta" /> : null}
        </>
      ) : null}
      {objectiveSettings[kind].map((name) => (
        <NumberSetting key={`${kind}.${name}`} path={`objective.${name}`} />
      ))}
      {isPreference(kind) ? null : (
        <>
          <SourceWeights />
          <NumberSetting path="neftuneAlpha" />
        </>
      )}
      <NumberSetting path="routerAuxWeight" />
    </Group>
  );
}
