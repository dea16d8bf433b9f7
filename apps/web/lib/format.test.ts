import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMetric,
  formatNumber,
  formatSeconds,
  visible,
} from "./format.ts";

describe("format", () => {
  it("bytes", () => {
    expect(formatBytes(512)).toBe("512 B");
    expect(formatBytes(1536)).toBe("1.5 KiB");
    expect(formatBytes(300 * 1024 ** 2)).toBe("300 MiB");
  });
  it("counts", () => {
    expect(formatCount(9999)).toBe("9,999");
    expect(formatCount(9999.7)).toBe("10,000");
    expect(formatCount(12.34567)).toBe("12.35");
    expect(formatCount(134_515_008)).toBe("135M");
    expect(formatCount(12_300)).toBe("12.3k");
    expect(formatCount(1_000_000)).toBe("1M");
  });
  it("numbers small and plain", () => {
    expect(formatNumber(0.001)).toBe("0.001");
    expect(formatNumber(0.0001)).toBe("1e-4");
    expect(formatNumber(0.000123)).toBe("1.23e-4");
    expect(formatNumber(2.5)).toBe("2.5");
    expect(formatNumber(100)).toBe("100");
    expect(formatNumber(60_400)).toBe("60,400");
    expect(formatNumber(7102)).toBe("7,102");
    expect(formatNumber(-2048)).toBe("-2,048");
    expect(formatNumber(7.8e29)).toBe("7.8e29");
    expect(formatNumber(-1e15)).toBe("-1e15");
    expect(formatNumber(9999.7)).toBe("10,000");
    expect(formatNumber(1234.5)).toBe("1,235");
    expect(formatNumber(123_456)).toBe("123k");
    expect(formatNumber(Number.NaN)).toBe("NaN");
  });
  it("durations by the two largest units", () => {
    expect(formatDuration(12.4, "en")).toBe("12 s");
    expect(formatDuration(245, "en")).toBe("4 min 05 s");
    expect(formatDuration(11_040, "en")).toBe("3 h 04 min");
    expect(formatDuration(90_000, "en")).toBe("1 d 1 h");
  });
  it("durations in Chinese units", () => {
    expect([12.4, 78, 245, 11_040, 90_000].map((seconds) => formatDuration(seconds, "zh-CN"))).toEqual([
      "12 秒",
      "1 分 18 秒",
      "4 分 05 秒",
      "3 小时 04 分",
      "1 天 1 小时",
    ]);
    expect(formatSeconds(0.2143, "zh-CN")).toBe("0.214 秒");
    expect(formatSeconds(1.5, "en")).toBe("1.5 s");
  });
  it("metrics with their unit", () => {
    expect(formatMetric(0.25, "share")).toBe("25.00%");
    expect(formatMetric(0.0421, "s")).toBe("42.1 ms");
    expect(formatMetric(220.5, "tokens/s")).toBe("220.5"); // "Tokens per second" stands above it
    expect(formatMetric(0.5, "nats")).toBe("0.5 nats");
  });
  it("shows what would hide", () => {
    expect(visible("a\u202eb\u0007")).toBe("a⟨U+202E⟩b\u2407");
    expect(visible("line\nnext\ttab 中文 🙂")).toBe("line\nnext\ttab 中文 🙂");
  });
});
