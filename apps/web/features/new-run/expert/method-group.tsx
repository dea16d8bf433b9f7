"use client";
import { allLinear, LinearName } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Input } from "../../../components/ui/input.tsx";
import { Checkbox } from "../../../components/ui/switch.tsx";
import { ComboboxSetting, fieldId, NumberSetting, SelectSetting, SpecField, SwitchSetting } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { Adapters } from "./adapters.tsx";
import { Group } from "./group.tsx";
import { useStartChoices } from "./use-start-choices.ts";

const precisions = ["bf16", "f32", "bf16_sr", "f16"] as const;
const storages = ["dense", "int8", "nf4", "blocks"] as const;

export function MethodGroup() {
  const t = useTranslations("newRun.groups");
  const words = useTranslations("spec.options");
  const { values } = useSpecForm();
  const { method } = values;
  const lora = method.kind === "lora";
  return (
    <Group
      title={t("method")}
      paths={["method", "precision", "baseStorage", "adapters"]}
      summary={[
        words(`method.${method.kind}`),
        ...(lora
          ? [
              t("rank", { rank: method.rank ?? 0, alpha: method.alpha ?? 0 }),
              method.targets.includes(allLinear) ? t("allLayers") : t("layers", { count: method.targets.length }),
            ]
          : []),
        words(`precision.${values.precision}`),
        ...(lora && values.baseStorage !== "dense" ? [words(`baseStorage.${values.baseStorage}`)] : []),
        ...(lora && values.adapters.length > 0 ? [t("adapters", { count: values.adapters.length })] : []),
      ].join(" · ")}
    >
      <SelectSetting path="method.kind" options={["lora", "full"]} words={(kind) => words(`method.${kind}`)} />
      <SelectSetting path="precision" options={precisions} words={(kind) => words(`precision.${kind}`)} />
      {lora || values.baseStorage !== "dense" ? (
        <SelectSetting path="baseStorage" options={storages} words={(kind) => words(`baseStorage.${kind}`)} />
      ) : null}
      {lora ? (
        <>
          <NumberSetting path="method.rank" />
          <NumberSetting path="method.alpha" />
          <Targets />
          <NumberSetting path="method.dropout" />
          <SwitchSetting path="method.rsLora" />
          <SwitchSetting path="method.dora" />
          <NumberSetting path="method.loraPlusRatio" />
          <StartFrom />
          <Adapters />
        </>
      ) : (
        <Freeze />
      )}
    </Group>
  );
}

function StartFrom() {
  const { form } = useSpecForm();
  const { options, words, typed } = useStartChoices();
  const choose = (ref: string) => form.setValue("method.startFrom", ref, { shouldDirty: true });
  return <ComboboxSetting path="method.startFrom" options={options} words={words} typed={typed(choose)} />;
}

// Patterns as one line: commas part them, as no name of a tensor holds one.
function Freeze() {
  const { form, values } = useSpecForm();
  const [text, setText] = useState(values.method.freeze.join(", "));
  return (
    <SpecField path="method.freeze" shown={() => "–"}>
      {(aria) => (
        <Input
          {...aria}
          className="font-mono text-xs"
          autoComplete="off"
          value={text}
          placeholder="embed_tokens, layers.0.*"
          onChange={(event) => {
            setText(event.target.value);
            const patterns = event.target.value.split(",").map((part) => part.trim());
            form.setValue("method.freeze", patterns.filter(Boolean), { shouldDirty: true });
          }}
        />
      )}
    </SpecField>
  );
}

function Targets() {
  const fields = useTranslations("spec.fields");
  const t = useTranslations("newRun.groups");
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
