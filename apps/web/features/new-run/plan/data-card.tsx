"use client";
import type { RunPlan } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { Card, CardHeader } from "../../../components/ui/card.tsx";
import { CheckFacts, CheckVerdict } from "../../datasets/xray/check-facts.tsx";
import { RenderedRow, XrayLegend } from "../../datasets/xray/rendered-row.tsx";
import { TokenHistogram } from "../../datasets/xray/token-histogram.tsx";

// The X-ray of the chosen rows: what the model will see, and what of it is trained.
export function DataCard({ plan, maxSequenceTokens }: { plan: RunPlan; maxSequenceTokens: number }) {
  const t = useTranslations("newRun");
  const [all, setAll] = useState(false);
  const { data } = plan;
  const shown = all ? data.examples : data.examples.slice(0, 2);
  return (
    <Card>
      <CardHeader title={t("dataTitle")} description={<XrayLegend />} />
      <div className="space-y-3 px-4 pb-3">
        <CheckVerdict check={data} />
        <CheckFacts check={data} />
        {all ? <TokenHistogram check={data} maxSequenceTokens={maxSequenceTokens} /> : null}
      </div>
      {shown.length > 0 ? (
        <div className="divide-y border-t">
          {shown.map((row) => (
            <RenderedRow key={`${row.row} ${row.side}`} row={row} />
          ))}
        </div>
      ) : null}
      {data.examples.length > 2 || data.histogram.length > 0 ? (
        <div className="border-t px-4 py-2.5">
          <Button size="sm" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t("lessRows") : t("moreRows")}
          </Button>
        </div>
      ) : null}
    </Card>
  );
}
