import { describe, expect, it } from "vitest";
import { negotiateLocale } from "./locale.ts";

describe("negotiateLocale", () => {
  it("follows the cookie before the browser", () => expect(negotiateLocale("zh-CN", "en-GB")).toBe("zh-CN"));
  it("takes the language with the highest weight", () =>
    expect(negotiateLocale(undefined, "en;q=0.5, zh-TW;q=0.9, fr")).toBe("zh-CN"));
  it("leaves out languages that are refused", () => expect(negotiateLocale(undefined, "zh;q=0, en;q=0.1")).toBe("en"));
  it("falls back to English", () => {
    expect(negotiateLocale("xx", "fr-FR, de")).toBe("en");
    expect(negotiateLocale(undefined, null)).toBe("en");
  });
});
