"use client";
import type { DatasetVersionSummary } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { CopyButton } from "../../components/copy-button.tsx";
import { ClockTime } from "../../components/time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card } from "../../components/ui/card.tsx";
import { formatBytes, visible } from "../../lib/format.ts";
import { shortDigest } from "./versions.ts";

export function VersionTable({
  versions,
  shown,
  onShow,
}: {
  versions: readonly DatasetVersionSummary[];
  shown: string;
  onShow: (versionId: string) => void;
}) {
  const t = useTranslations("datasets");
  return (
    <Card>
      <ul className="divide-y">
        {versions.map((version) => (
          <li key={version.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
            <div className="min-w-0 flex-1 basis-64">
              <p className="flex flex-wrap items-baseline gap-x-2 font-medium">
                {t("versionNumber", { number: version.number })}
                <span className="foreign font-normal text-muted-foreground text-xs">{visible(version.sourceName)}</span>
              </p>
              <p className="tabular flex flex-wrap gap-x-3 text-muted-foreground text-xs">
                <span>{t("rowCount", { count: version.rows })}</span>
                <span>{formatBytes(version.bytes)}</span>
                <span>{t(`format.${version.format}`)}</span>
                {version.badLineCount > 0 ? <span>{t("leftOut", { count: version.badLineCount })}</span> : null}
                {version.leftOut.length > 0 ? (
                  <span>
                    {t("fieldsLeftOut")} <span className="foreign">{visible(version.leftOut.join(", "))}</span>
                  </span>
                ) : null}
                <ClockTime iso={version.createdAt} date />
              </p>
              <code className="font-mono text-muted-foreground text-xs" title={version.digest}>
                sha256:{shortDigest(version.digest)}…
              </code>
            </div>
            <div className="flex gap-2">
              <CopyButton text={version.digest} label={t("copyDigest")} />
              <Button size="sm" disabled={version.id === shown} onClick={() => onShow(version.id)}>
                {version.id === shown ? t("shown") : t("show")}
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
