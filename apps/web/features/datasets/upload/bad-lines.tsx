"use client";
import { type BadLine, wordsOf } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useWords } from "../../../components/phrases.tsx";
import { visible } from "../../../lib/format.ts";

// Lines that cannot be read: where, why, and what to do.
export function BadLines({ lines, count }: { lines: readonly BadLine[]; count: number }) {
  const t = useTranslations("datasets.upload");
  const words = useWords();
  return (
    <section aria-label={t("badLines", { count })} className="rounded-md border border-warning/40">
      <h3 className="rounded-t-md bg-warning-soft px-3 py-2 font-medium text-sm text-warning">
        {t("badLines", { count })}
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <ol className="max-h-64 divide-y overflow-y-auto" tabIndex={0}>
        {lines.map((bad) => (
          <li key={`${bad.line}:${bad.cause}`} className="grid gap-x-3 px-3 py-2 text-sm sm:grid-cols-[5.5rem_1fr]">
            <span className="tabular font-medium">{t("line", { line: bad.line })}</span>
            <div className="min-w-0 space-y-0.5">
              <p className="foreign">{words(wordsOf(bad, "cause"))}</p>
              <p className="foreign text-muted-foreground">{words(wordsOf(bad, "remedy"))}</p>
              {bad.excerpt ? (
                <code className="foreign block truncate rounded bg-muted px-1.5 py-0.5 font-mono text-xs">
                  {visible(bad.excerpt)}
                </code>
              ) : null}
            </div>
          </li>
        ))}
      </ol>
      {count > lines.length ? (
        <p className="border-t px-3 py-2 text-muted-foreground text-xs">
          {t("moreBadLines", { count: count - lines.length })}
        </p>
      ) : null}
    </section>
  );
}
