import type { ReportLanguage } from "./schema.ts";

// Numbers as the reader's language writes them, with as many digits as carry meaning.
export function formatter(language: ReportLanguage) {
  const number = (value: number, digits: number) =>
    value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const signed = (value: number, digits: number) => {
    const text = number(Math.abs(value), digits);
    return Number(value.toFixed(digits)) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
  };
  const digitsFor = (value: number) => (value === 0 ? 0 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  return {
    number,
    signed,
    count: (value: number) => number(value, 0),
    percent: (share: number, digits = 1) => `${number(share * 100, digits)}%`,
    points: (share: number) => signed(share * 100, 1),
    loss: (nats: number) => number(nats, 3),
    p: (p: number) => (p < 0.0001 ? "< 0.0001" : number(p, 4)),
    seconds: (s: number) =>
      s === 0
        ? "0 s"
        : s < 1
          ? `${number(s * 1000, s < 0.01 ? 1 : 0)} ms`
          : s < 120
            ? `${number(s, s < 10 ? 2 : 1)} s`
            : s < 7200
              ? `${number(s / 60, 1)} min`
              : `${number(s / 3600, 1)} h`,
    bytes: (bytes: number) => {
      const units = ["B", "KiB", "MiB", "GiB", "TiB"];
      const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
      const value = bytes / 1024 ** step;
      return `${number(value, step === 0 ? 0 : digitsFor(value))} ${units[step]}`;
    },
    compact: (value: number) => {
      const [unit, scale] = value >= 1e9 ? ["B", 1e9] : value >= 1e6 ? ["M", 1e6] : value >= 1e3 ? ["K", 1e3] : ["", 1];
      return `${number(value / Number(scale), scale === 1 ? 0 : 1)}${unit}`;
    },
    axis: (value: number) => {
      const size = Math.abs(value);
      if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(size === 0 ? 0 : 1).replace("e+", "e");
      return value.toLocaleString(language, { maximumSignificantDigits: 4 });
    },
  };
}
export type Formatter = ReturnType<typeof formatter>;
