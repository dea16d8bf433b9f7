"use client";
import { type ModelSummary, told, wordsOf } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import type { ReactNode } from "react";
import { Facts } from "../../components/facts.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { formatBytes, formatCount, visible } from "../../lib/format.ts";

// All that a model's header says.
export function ModelFactList({ model }: { model: ModelSummary }) {
  const t = useTranslations("models.facts");
  const common = useTranslations("common");
  const { facts } = model;
  const yesNo = (value: boolean) => (value ? common("yes") : common("no"));
  const items: (readonly [ReactNode, ReactNode])[] = [[t("ref"), <Code key="ref" text={model.place} />]];
  if (facts)
    items.push(
      [t("family"), visible(facts.family)],
      [t("parameters"), formatCount(facts.parameters)],
      [t("quantisation"), visible(facts.quantisation)],
      [t("fileBytes"), formatBytes(facts.fileBytes)],
      [t("contextTokens"), t("tokens", { count: facts.contextTokens })],
      [t("vocabularySize"), t("tokens", { count: facts.vocabularySize })],
      [t("layers"), facts.layers],
      [t("hiddenSize"), facts.hiddenSize],
      [t("heads"), t("headsValue", { heads: facts.attentionHeads, keyValue: facts.keyValueHeads })],
      [t("feedForwardSize"), facts.feedForwardSize],
      [t("tiedHead"), yesNo(facts.tiedHead)],
      [t("linearNames"), facts.linearNames.join(", ")],
      [t("chatTemplate"), yesNo(facts.hasChatTemplate)],
    );
  if (model.digest) items.push([t("digest"), <Code key="digest" text={model.digest} />]);
  return (
    <div className="space-y-3">
      {model.supported ? null : (
        <ProblemNotice
          tone="warning"
          error={{
            code: "UNSUPPORTED",
            field: null,
            remedy: null,
            ...told({ message: wordsOf(model, "unsupportedReason") ?? model.name }),
          }}
        />
      )}
      <Facts items={items} />
    </div>
  );
}

const Code = ({ text }: { text: string }) => <code className="foreign font-mono text-xs">{visible(text)}</code>;
