"use client";
import { UploadIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Combobox } from "../../components/combobox.tsx";
import { Field } from "../../components/field.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { Dialog, DialogContent } from "../../components/ui/dialog.tsx";
import { Input } from "../../components/ui/input.tsx";
import { Checkbox } from "../../components/ui/switch.tsx";
import { BasePicker } from "../base-picker/base-picker.tsx";
import { UploadPanel } from "../datasets/upload/upload-panel.tsx";
import type { VersionOption } from "./dataset-options.ts";
import { fieldId, TextSetting } from "./fields.tsx";
import { useSpecForm } from "./form-context.tsx";
import { useVersionChoices } from "./use-version-choices.ts";

// The three things that Anneal cannot know: from where, with what, and under which name.
export function RequiredFields({ versions, loading }: { versions: readonly VersionOption[]; loading: boolean }) {
  const t = useTranslations("newRun");
  const words = useTranslations("spec.fields");
  const { form, values, errorAt } = useSpecForm();
  return (
    <Card>
      <CardHeader title={t("required")} description={t("requiredAbout")} />
      <CardBody className="space-y-5">
        <TextSetting path="name" />
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
  const options = useVersionChoices(versions);
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
            <Combobox
              aria={aria}
              value={values.dataset}
              valueText={loading ? t("loadingDatasets") : t("unknownDataset")}
              placeholder={
                loading ? t("loadingDatasets") : versions.length === 0 ? t("noDatasets") : t("chooseDataset")
              }
              options={options}
              onChange={choose}
            />
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
              choose(dataset.versionId);
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
