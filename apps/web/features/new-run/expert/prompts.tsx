"use client";
import { PlusIcon, XIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { Button } from "../../../components/ui/button.tsx";
import { Textarea } from "../../../components/ui/input.tsx";
import { SpecField } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";

const most = 16; // as in RunSpec

export function Prompts() {
  const fields = useTranslations("spec.fields");
  const t = useTranslations("newRun");
  const { form, values } = useSpecForm();
  const { prompts } = values.samples;
  const set = (next: string[]) => form.setValue("samples.prompts", next, { shouldDirty: true });
  return (
    <SpecField path="samples.prompts" shown={() => t("heldOut")} className="sm:col-span-2">
      {(aria) => (
        // biome-ignore lint/a11y/useSemanticElements: the field's label is tied to it by id
        <div
          role="group"
          aria-label={fields("samples.prompts.label")}
          id={aria.id}
          aria-describedby={aria["aria-describedby"]}
          className="space-y-2"
        >
          {prompts.map((prompt, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: prompts have no identity but their place
            <div key={i} className="flex gap-2">
              <Textarea
                className="min-h-9 flex-1"
                rows={2}
                maxLength={8000}
                aria-label={t("prompt", { number: i + 1 })}
                value={prompt}
                onChange={(event) => set(prompts.map((old, j) => (j === i ? event.target.value : old)))}
              />
              <Button
                variant="ghost"
                size="icon"
                aria-label={t("removePrompt", { number: i + 1 })}
                onClick={() => set(prompts.filter((_, j) => j !== i))}
              >
                <XIcon aria-hidden />
              </Button>
            </div>
          ))}
          {prompts.length < most ? (
            <Button size="sm" onClick={() => set([...prompts, ""])}>
              <PlusIcon aria-hidden />
              {t("addPrompt")}
            </Button>
          ) : null}
        </div>
      )}
    </SpecField>
  );
}
