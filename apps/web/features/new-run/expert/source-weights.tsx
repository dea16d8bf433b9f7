"use client";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Textarea } from "../../../components/ui/input.tsx";
import { SpecField } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { sameValue } from "../spec/paths.ts";
import { formatSourceWeights, parseSourceWeights } from "../spec/source-weights.ts";

// How much the loss of each source's rows counts, one a line.
export function SourceWeights() {
  const t = useTranslations("newRun.groups");
  const { form, values } = useSpecForm();
  const weights = values.sourceWeights;
  const [typed, setTyped] = useState("");
  // What was typed stays as it was typed, until a preset or another run changes what it stands for.
  const text = sameValue(parseSourceWeights(typed), weights) ? typed : formatSourceWeights(weights);
  return (
    <SpecField path="sourceWeights" shown={() => t("sourcesAlike")} className="sm:col-span-2">
      {(aria) => (
        <Textarea
          {...aria}
          className="font-mono text-xs"
          rows={3}
          spellCheck={false}
          placeholder="forum = 0.5"
          value={text}
          onChange={(event) => {
            setTyped(event.target.value);
            form.setValue("sourceWeights", parseSourceWeights(event.target.value), { shouldDirty: true });
          }}
        />
      )}
    </SpecField>
  );
}
