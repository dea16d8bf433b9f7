"use client";
import { useFormatter, useLocale, useNow } from "next-intl";
import { formatDuration, formatSeconds } from "../lib/format.ts";
import type { Locale } from "../lib/locale.ts";

/** Durations in the units of the person's language. */
export function useDurations(): { duration: (seconds: number) => string; seconds: (seconds: number) => string } {
  const locale = useLocale() as Locale;
  return {
    duration: (seconds) => formatDuration(seconds, locale),
    seconds: (seconds) => formatSeconds(seconds, locale),
  };
}

// "3 minutes ago", the exact time on hover; redrawn once a minute.
export function RelativeTime({ iso }: { iso: string }) {
  const format = useFormatter();
  const now = useNow({ updateInterval: 60_000 });
  const date = new Date(iso);
  const exact = format.dateTime(date, { dateStyle: "medium", timeStyle: "medium" });
  // A clock some seconds apart from the server's must not read "in 2 seconds".
  const shown = date > now ? now : date;
  return (
    <time dateTime={iso} title={exact} className="tabular whitespace-nowrap">
      {format.relativeTime(shown, now)}
    </time>
  );
}

export function ClockTime({ iso, date = false }: { iso: string; date?: boolean }) {
  const format = useFormatter();
  return (
    <time
      dateTime={iso}
      title={format.dateTime(new Date(iso), { dateStyle: "full", timeStyle: "long" })}
      className="tabular whitespace-nowrap"
    >
      {format.dateTime(
        new Date(iso),
        date ? { dateStyle: "medium", timeStyle: "short" } : { hour: "2-digit", minute: "2-digit", second: "2-digit" },
      )}
    </time>
  );
}
