import type { Locale } from "./locale.ts";

// Numbers as people read them. Words that need a language stay with next-intl; these are units and digits only.

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A whole number as it is read: 10003 -> 10,003. */
export const formatInteger = (value: number): string => grouped(String(Math.round(value)));
const grouped = (digits: string) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

// 1_234_567 -> 1.23M
export function formatCount(value: number): string {
  const magnitude = Math.abs(value);
  for (const [limit, letter] of [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const) {
    if (magnitude >= limit) return `${trim((value / (limit === 1e4 ? 1e3 : limit)).toPrecision(3))}${letter}`;
  }
  return Number.isInteger(value) || magnitude >= 1000 ? formatInteger(value) : trim(value.toPrecision(4));
}

const trim = (digits: string) =>
  digits.includes(".") && !digits.includes("e") ? digits.replace(/\.?0+$/, "") : digits;

// Up to `digits` significant ones; very small and very large values in powers of ten.
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude < 1e-3) return trim(value.toExponential(Math.max(0, digits - 2)).replace(/\.?0+e/, "e"));
  // No letter stands for so much.
  if (magnitude >= 1e15)
    return trim(
      value
        .toExponential(Math.max(0, digits - 2))
        .replace(/\.?0+e/, "e")
        .replace("e+", "e"),
    );
  if (magnitude >= 1e5) return formatCount(value);
  // toPrecision would write 60400 as 6.040e+4, and 9999.7 as 1.000e+4.
  if (magnitude >= 10 ** digits - 0.5) return formatInteger(value);
  const [whole = "", ...fraction] = trim(value.toPrecision(digits)).split(".");
  return [grouped(whole), ...fraction].join(".");
}

export const formatPercent = (share: number, digits = 1) => `${(share * 100).toFixed(digits)}%`;

const durationUnits: Record<Locale, { d: string; h: string; min: string; s: string }> = {
  en: { d: "d", h: "h", min: "min", s: "s" },
  "zh-CN": { d: "天", h: "小时", min: "分", s: "秒" },
};

/** 3 h 04 min, 4 min 05 s, 12 s: the two largest units, in the units of the language (4 分 05 秒). */
export function formatDuration(seconds: number, locale: Locale): string {
  const { d, h, min, s } = durationUnits[locale];
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} ${s}`;
  if (whole < 3600) return `${Math.floor(whole / 60)} ${min} ${two(whole % 60)} ${s}`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} ${h} ${two(Math.floor((whole % 3600) / 60))} ${min}`;
  return `${Math.floor(whole / 86_400)} ${d} ${Math.floor((whole % 86_400) / 3600)} ${h}`;
}

/** A short time with its fraction: 0.214 s. */
export const formatSeconds = (seconds: number, locale: Locale): string =>
  `${formatNumber(seconds, 3)} ${durationUnits[locale].s}`;

// What a chart's title counts already, in the person's language: the number alone is read beside it.
const counted: ReadonlySet<string> = new Set(["", "0/1", "tokens", "rows", "epochs", "tokens/s", "rows/s"]);

// A metric's value with its unit, as metricCatalogue names units.
export function formatMetric(value: number, unit: string): string {
  if (unit === "bytes") return formatBytes(value);
  if (unit === "share") return formatPercent(value, 2);
  if (unit === "s") return value < 1 ? `${formatNumber(value * 1000, 3)} ms` : `${formatNumber(value, 3)} s`;
  return counted.has(unit) ? formatNumber(value) : `${formatNumber(value)} ${unit}`;
}

// Control and direction characters made visible: foreign text must not look like something else.
// Line feeds and tabs stay; Cf holds the bidi controls, the zero-width characters and the byte order mark.
export const visible = (text: string) =>
  text.replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, (c) => {
    const code = c.codePointAt(0) ?? 0;
    return code < 0x20
      ? String.fromCodePoint(0x2400 + code)
      : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
