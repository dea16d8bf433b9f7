"use client";
import { GgufType } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { Checkbox } from "../../../components/ui/switch.tsx";
import { fieldId, SelectSetting, SpecField, SwitchSetting, TextSetting } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { Group } from "./group.tsx";

// Which of several adapters goes into the files; empty: the best.
function AdapterChoice() {
  const t = useTranslations("newRun.adapters");
  const { values } = useSpecForm();
  const names = values.adapters.map(({ name }) => name);
  const { adapter } = values.export;
  const options = [...new Set(["", ...names, adapter])];
  return <SelectSetting path="export.adapter" options={options} words={(name) => (name === "" ? t("best") : name)} />;
}

export function ExportGroup() {
  const t = useTranslations("newRun.groups");
  const fields = useTranslations("spec.fields");
  const { form, values } = useSpecForm();
  const chosen = values.export.gguf;
  return (
    <Group
      title={t("export")}
      paths={["export", "publish.gguf", "publish.system", "publish.parameters"]}
      summary={[
        t("files", { list: chosen.join(", ") || "–" }),
        values.export.merged ? t("merged") : null,
        values.publishing && values.publish.parameters.trim() ? t("ownParameters") : null,
      ]
        .filter(Boolean)
        .join(" · ")}
    >
      <SpecField path="export.gguf" shown={(value) => (Array.isArray(value) ? value.join(", ") : "")}>
        {(aria) => (
          // biome-ignore lint/a11y/useSemanticElements: the field's label is tied to it by id
          <div
            role="group"
            aria-label={fields("export.gguf.label")}
            id={aria.id}
            aria-describedby={aria["aria-describedby"]}
            className="flex flex-wrap gap-x-4 gap-y-2 py-1"
          >
            {GgufType.options.map((type) => {
              const id = `${fieldId("export.gguf")}-${type}`;
              const published = values.publishing && values.publish.gguf === type;
              return (
                <label key={type} htmlFor={id} className="flex items-center gap-1.5 font-mono text-xs">
                  <Checkbox
                    id={id}
                    checked={published || chosen.includes(type)}
                    disabled={published}
                    onCheckedChange={(checked) =>
                      form.setValue(
                        "export.gguf",
                        GgufType.options.filter((one) => (one === type ? checked === true : chosen.includes(one))),
                        { shouldDirty: true },
                      )
                    }
                  />
                  {type}
                </label>
              );
            })}
          </div>
        )}
      </SpecField>
      <SwitchSetting path="export.merged" />
      {values.adapters.length > 0 || values.export.adapter !== "" ? <AdapterChoice /> : null}
      {values.publishing ? (
        <>
          <SelectSetting path="publish.gguf" options={GgufType.options} words={(type) => type} />
          <TextSetting path="publish.system" long />
          <TextSetting path="publish.parameters" long mono />
        </>
      ) : null}
    </Group>
  );
}
