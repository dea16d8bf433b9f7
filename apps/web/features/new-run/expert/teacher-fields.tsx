"use client";
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { NativeSelect } from "../../../components/ui/input.tsx";
import { visible } from "../../../lib/format.ts";
import { useTRPC } from "../../../lib/trpc.ts";
import { BasePicker } from "../../base-picker/base-picker.tsx";
import { fieldId, SpecField } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";

// Whom a distillation learns from: a model in memory, or a file of what one has said before.
export function TeacherFields() {
  const t = useTranslations("newRun.groups");
  const fields = useTranslations("spec.fields");
  const { form, values, errorAt } = useSpecForm();
  const trpc = useTRPC();
  const files = useQuery(trpc.teacherFiles.list.queryOptions());
  const { teacher, teacherFile } = values.objective;
  const ready = (files.data ?? []).filter(({ id, status }) => status === "ready" || id === teacherFile);
  const listed = ready.some(({ id }) => id === teacherFile);
  return (
    <>
      <SpecField path="objective.teacherFile" shown={() => t("teacherInMemory")} className="sm:col-span-2">
        {(aria) => (
          <NativeSelect
            {...aria}
            value={teacherFile}
            onChange={(event) => {
              form.setValue("objective.teacherFile", event.target.value, { shouldDirty: true });
              if (event.target.value !== "") form.setValue("objective.teacher", "", { shouldDirty: true });
            }}
          >
            <option value="">{t("teacherInMemory")}</option>
            {ready.map(({ id, name, topK }) => (
              <option key={id} value={id}>
                {t("teacherFile", { name: visible(name), count: topK })}
              </option>
            ))}
            {teacherFile === "" || listed ? null : <option value={teacherFile}>{t("teacherGone")}</option>}
          </NativeSelect>
        )}
      </SpecField>
      {teacherFile === "" ? (
        <div className="sm:col-span-2">
          <BasePicker
            id={fieldId("objective.teacher")}
            label={fields("objective.teacher.label")}
            hint={fields("objective.teacher.why")}
            value={teacher}
            error={errorAt("objective.teacher")}
            onChange={(chosen) => form.setValue("objective.teacher", chosen, { shouldDirty: true })}
          />
        </div>
      ) : null}
    </>
  );
}
