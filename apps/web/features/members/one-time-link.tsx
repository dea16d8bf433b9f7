"use client";
import type { OneTimeLink as Link } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { CopyButton } from "../../components/copy-button.tsx";
import { Input } from "../../components/ui/input.tsx";

/** The whole address of a link that works once; it is shown here and never again. */
export function OneTimeLink({ link }: { link: Link }) {
  const t = useTranslations("members");
  const address = `${window.location.origin}${link.path}`;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Input
        readOnly
        value={address}
        aria-label={t("link")}
        onFocus={(event) => event.target.select()}
        className="min-w-0 flex-1 font-mono text-xs"
        data-testid="one-time-link"
      />
      <CopyButton text={address} />
    </div>
  );
}
