import { inWords } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { deriveGoTemplate } from "./go-template.ts";
import { firstDifference, mismatchError, standardRenderCases } from "./render-check.ts";

describe("comparing prompts", () => {
  it("finds the first differing byte, counted in UTF-8", () => {
    expect(firstDifference("aé b", "aé c")).toMatchObject({ offsetBytes: 4 });
    expect(firstDifference("same", "same")).toBeNull();
    expect(firstDifference("ab", "abc")).toMatchObject({ offsetBytes: 2 });
  });
  it("never shows half a character", () => {
    const difference = firstDifference(`${"é".repeat(60)}x`, `${"é".repeat(60)}y`);
    expect(difference?.ours).not.toContain("\ufffd");
  });
  it("names conversation, byte and both texts in its error", () => {
    const difference = {
      id: "user",
      required: true,
      ...(firstDifference("<a>", "<b>") ?? { offsetBytes: 0, ours: "", served: "" }),
    };
    expect(mismatchError("m", [difference]).message).toMatch(
      /"user" differs from byte 1 on: trained with "<a>", served with "<b>"/,
    );
  });
  it("leaves out conversations that the chat template refuses, but not a single question", () => {
    const noSystem = standardRenderCases((messages) => {
      if (messages[0]?.role === "system") throw new Error("no system");
      return messages.map(({ content }) => content).join("|");
    });
    expect(noSystem.map(({ id }) => id)).not.toContain("system");
    expect(() =>
      standardRenderCases(() => {
        throw new Error("never");
      }),
    ).toThrow(/refuses a single question/);
  });
  it("puts the published system text before conversations that have none", () => {
    const cases = standardRenderCases((messages) => messages.map(({ role }) => role).join(","), { system: "S" });
    expect(cases.find(({ id }) => id === "user")?.rendered).toBe("system,user");
    expect(cases.find(({ id }) => id === "system")?.rendered).toBe("system,user");
  });
});

describe("a Go template made from our own renderer", () => {
  const chatml = (messages: { role: string; content: string }[]) =>
    `${messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("")}<|im_start|>assistant\n`;
  it("has a branch per role that was seen", () => {
    const derived = deriveGoTemplate(chatml);
    expect(derived).toMatchObject({ roles: ["system", "user", "assistant", "tool"] });
  });
  it("does without a system turn where that is refused", () => {
    const derived = deriveGoTemplate((messages) => {
      if (messages.some(({ role }) => role === "system")) throw new Error("no");
      return chatml(messages);
    });
    expect(derived).toMatchObject({ roles: ["user", "assistant", "tool"] });
  });
  it("is given up, with the reason, where text hangs on the place of a message", () => {
    const numbered = deriveGoTemplate((messages) => messages.map(({ content }, i) => `[${i}]${content}`).join(""));
    expect(numbered).toMatchObject({ template: null });
    expect("reason" in numbered && inWords(numbered.reason)).toContain("stands now");
  });
  it("is given up where contents are left out or changed", () => {
    expect(deriveGoTemplate(() => "nothing")).toMatchObject({ template: null });
    expect(deriveGoTemplate((messages) => messages.map(({ content }) => content + content).join(""))).toMatchObject({
      template: null,
    });
  });
  it("keeps braces of the frame as text", () => {
    const derived = deriveGoTemplate((messages) => messages.map(({ content }) => `{{x}}${content}{`).join(""));
    expect(derived.template).toContain('{{ "{{" }}x}}');
    expect(derived.template).toContain('{{ "{" }}');
  });
});
