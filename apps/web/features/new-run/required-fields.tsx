"use client";
import { UploadIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Field } from "../../components/field.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { Dialog, DialogContent } from "../../components/ui/dialog.tsx";
import { Input, NativeSelect } from "../../components/ui/input.tsx";
import { Checkbox } from "../../components/ui/switch.tsx";
import { visible } from "../../lib/format.ts";
import { BasePicker } from "../base-picker/base-picker.tsx";
import { UploadPanel } from "../datasets/upload/upload-panel.tsx";
import { newestVersion } from "../datasets/versions.ts";
import type { VersionOption } from "./dataset-options.ts";
import { fieldId } from "./fields.tsx";
import { useSpecForm } from "./form-context.tsx";

// The three things that Anneal cannot know: from where, with what, and under which name.
export function RequiredFields({ versions, loading }: { versions: readonly VersionOption[]; loading: boolean }) {
  const t = useTranslations("newRun");
  const words = useTranslations("spec.fields");
  const { form, values, errorAt } = useSpecForm();
  return (
    <Card>
      <CardHeader title={t("required")} description={t("requiredAbout")} />
      <CardBody className="space-y-5">
        <BasePicker
          id={fieldId("base")}
          label={words("base.label")}
          hint={words("base.why")}
          required
          error={errorAt("base")}
          value={values.base}
          onChange={(ref) => form.setValue("base", ref, { shouldDirty: true, shouldTouch: true })}
        />
        <DatasetField versions={versions} loading={loading} />
        <PublishField />
      </CardBody>
    </Card>
  );
}

function DatasetField({ versions, loading }: { versions: readonly VersionOption[]; loading: boolean }) {
  const t = useTranslations("newRun");
  const words = useTranslations("spec.fields");
  const { form, values, errorAt } = useSpecForm();
  const [uploading, setUploading] = useState(false);
  const choose = (versionId: string) => form.setValue("dataset", versionId, { shouldDirty: true, shouldTouch: true });
  const names = [...new Set(versions.map(({ name }) => name))];
  const known = values.dataset === "" || versions.some(({ id }) => id === values.dataset);
  return (
    <>
      <Field
        id={fieldId("dataset")}
        label={words("dataset.label")}
        hint={words("dataset.why")}
        required
        error={errorAt("dataset")}
      >
        {(aria) => (
          <div className="flex gap-2">
            <NativeSelect {...aria} value={values.dataset} onChange={(event) => choose(event.target.value)}>
              <option value="" disabled>
                {loading ? t("loadingDatasets") : versions.length === 0 ? t("noDatasets") : t("chooseDataset")}
              </option>
              {known ? null : <option value={values.dataset}>{t("unknownDataset")}</option>}
              {names.map((name) => (
                <optgroup key={name} label={visible(name)}>
                  {versions
                    .filter((version) => version.name === name)
                    .map((version) => (
                      <option key={version.id} value={version.id}>
                        {t("groups.versionOption", { name: visible(name), number: version.number, rows: version.rows })}
                      </option>
                    ))}
                </optgroup>
              ))}
            </NativeSelect>
            <Button onClick={() => setUploading(true)}>
              <UploadIcon aria-hidden />
              {t("upload")}
            </Button>
          </div>
        )}
      </Field>
      <Dialog open={uploading} onOpenChange={setUploading}>
        <DialogContent title={t("uploadTitle")} className="max-w-2xl">
          <UploadPanel
            onDone={(dataset) => {
              const version = newestVersion(dataset);
              if (version) choose(version.id);
              setUploading(false);
            }}
          />
        </DialogContent>
      </Dialog>
    </>
  );
}

function PublishField() {
  const t = useTranslations("newRun");
  const words = useTranslations("spec.fields");
  const { form, values, errorAt } = useSpecForm();
  const not = `${fieldId("publishing")}-not`;
  return (
    <div className="space-y-2">
      <Field
        id={fieldId("publish.name")}
        label={words("publish.name.label")}
        hint={values.publishing ? words("publish.name.why") : t("notPublished")}
        required={values.publishing}
        error={values.publishing ? errorAt("publish.name") : undefined}
      >
        {(aria) => (
          <Input
            {...aria}
            className="font-mono"
            placeholder="bank-intents"
            autoComplete="off"
            spellCheck={false}
            disabled={!values.publishing}
            {...form.register("publish.name")}
          />
        )}
      </Field>
      <label htmlFor={not} className="flex w-fit items-center gap-2 text-sm">
        <Checkbox
          id={not}
          checked={!values.publishing}
          onCheckedChange={(checked) => form.setValue("publishing", checked !== true, { shouldDirty: true })}
        />
        {t("doNotPublish")}
      </label>
    </div>
  );
}
