"use client";
import { allLinear, LinearName } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { Checkbox } from "../../../components/ui/switch.tsx";
import { fieldId, NumberSetting, SelectSetting, SpecField, SwitchSetting, TextSetting } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { Group } from "./group.tsx";

export function MethodGroup() {
  const t = useTranslations("newRun.groups");
  const words = useTranslations("spec.options");
  const { values } = useSpecForm();
  const { method } = values;
  const lora = method.kind === "lora";
  return (
    <Group
      title={t("method")}
      paths={["method", "precision"]}
      summary={[
        words(`method.${method.kind}`),
        ...(lora
          ? [
              t("rank", { rank: method.rank ?? 0, alpha: method.alpha ?? 0 }),
              method.targets.includes(allLinear) ? t("allLayers") : t("layers", { count: method.targets.length }),
            ]
          : []),
        values.precision,
      ].join(" · ")}
    >
      <SelectSetting path="method.kind" options={["lora", "full"]} words={(kind) => words(`method.${kind}`)} />
      <SelectSetting path="precision" options={["bf16", "f32"]} words={(kind) => words(`precision.${kind}`)} />
      {lora ? (
        <>
          <NumberSetting path="method.rank" />
          <NumberSetting path="method.alpha" />
          <Targets />
          <NumberSetting path="method.dropout" />
          <SwitchSetting path="method.rsLora" />
          <TextSetting path="method.startFrom" />
        </>
      ) : null}
    </Group>
  );
}

function Targets() {
  const fields = useTranslations("spec.fields");
  const t = useTranslations("newRun");
  const { form, values } = useSpecForm();
  const chosen = values.method.targets;
  // Layers of other families come in through a spec; what is chosen is always shown.
  const names = [...LinearName.options, ...chosen.filter((name) => name !== allLinear && !isUsual(name))];
  return (
    <SpecField path="method.targets" shown={() => t("allLayers")} className="sm:col-span-2">
      {(aria) => (
        // biome-ignore lint/a11y/useSemanticElements: the field's label is tied to it by id
        <div
          role="group"
          aria-label={fields("method.targets.label")}
          id={aria.id}
          aria-describedby={aria["aria-describedby"]}
          className="flex flex-wrap gap-x-4 gap-y-2 py-1"
        >
          {[allLinear, ...names].map((name) => {
            const id = `${fieldId("method.targets")}-${name}`;
            return (
              <label key={name} htmlFor={id} className="flex items-center gap-1.5 font-mono text-xs">
                <Checkbox
                  id={id}
                  checked={chosen.includes(name)}
                  onCheckedChange={(checked) =>
                    form.setValue("method.targets", targetsAfter(chosen, names, name, checked === true), {
                      shouldDirty: true,
                    })
                  }
                />
                {name === allLinear ? t("allLayers") : name}
              </label>
            );
          })}
        </div>
      )}
    </SpecField>
  );
}

const isUsual = (name: string) => LinearName.safeParse(name).success;

/** "All" and single names exclude each other; names keep the catalogue's order, so that the same choice is the same spec. */
function targetsAfter(chosen: string[], names: string[], name: string, checked: boolean): string[] {
  if (name === allLinear) return checked ? [allLinear] : [...LinearName.options];
  return names.filter((one) => (one === name ? checked : chosen.includes(one)));
}
