import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import { ChatTemplate } from "./chat-template.ts";

interface Cases {
  messages: unknown[];
  cases: { template: string; output: string | null }[];
}
const { messages, cases } = JSON.parse(
  readFileSync(new URL("./fixtures/jinja-cases.json", import.meta.url), "utf8"),
) as Cases;

const render = (source: string, given: readonly unknown[] = messages, now?: Date) =>
  new ChatTemplate(source).render({
    messages: given,
    addGenerationPrompt: false,
    specialTokens: { bos_token: "<s>" },
    ...(now ? { now } : {}),
  });

describe("chat templates print what transformers prints", () => {
  it.each(cases)("$template", ({ template, output }) => {
    if (output === null) expect(() => render(template)).toThrow(TextError);
    else expect(render(template).text).toBe(output);
  });

  it("tells the time in Python's format", () => {
    const now = new Date(2026, 1, 3, 14, 5, 9);
    expect(render("{{ strftime_now('%d %b %Y %H:%M:%S %A %B %j %-d %I%p %%') }}", [], now).text).toBe(
      "03 Feb 2026 14:05:09 Tuesday February 034 3 02PM %",
    );
    expect(() => render("{{ strftime_now('%Q') }}", [], now)).toThrow(/strftime_now/);
  });
});

describe("refusals name the cause", () => {
  it.each([
    ["{{ 'a", "line 1: a string is not closed"],
    ["a\nb {% if x", "line 2: a tag is not closed"],
    ["{# never", "comment is not closed"],
    ["{% raw %}x", "raw block is not closed"],
    ["{% if true %}x", "ends inside a block"],
    ["{{ (1, }}", "not closed"],
    ["{% include 'x' %}", "Unknown statement type: include"],
    ["{{ a ? b }}", 'the character "?"'],
    ["{{ [1 }}", "chat template"],
  ])("%j", (source, said) => {
    expect(() => new ChatTemplate(source)).toThrow(said);
  });

  it("says of a filter or test that is not known that no conversation would do better", () => {
    expect(() => render("{{ 'a'|truncate(1) }}")).toThrow('chat template: uses the filter "truncate"');
    expect(() => render("{{ 1 is odder }}")).toThrow('chat template: uses the test "odder"');
  });

  it("repeats what the template itself says", () => {
    expect(() => render("{{ raise_exception('roles must alternate') }}")).toThrow(
      "messages: the chat template refuses this conversation: roles must alternate",
    );
  });
});
