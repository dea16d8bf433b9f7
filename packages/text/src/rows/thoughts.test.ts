import type { Message } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { encodePrompt, renderChat } from "../model/prompt.ts";
import { byteModel } from "../testing/byte-model.ts";
import { encodeRow, explainRow } from "./encode-row.ts";

const options = { maxSequenceTokens: 4096 };
const ask = (content: string): Message => ({ role: "user", content });
const say = (content: string, reasoning_content?: string): Message => ({
  role: "assistant",
  content,
  ...(reasoning_content === undefined ? {} : { reasoning_content }),
});
const turn = "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}";
const stripped = "{{ '<|im_start|>assistant\\n' + m.content.split('</think>')[-1] + '<|im_end|>\\n' }}";
const chat = (assistant: string, prompt: string) =>
  `{% for m in messages %}{% if m.role == 'assistant' %}${assistant}{% else %}${turn}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '${prompt}' }}{% endif %}`;

const templates = {
  // DeepSeek-R1, QwQ: the prompt opens the thought, answers of the past lose theirs.
  opening: chat(stripped, "<|im_start|>assistant\\n<think>\\n"),
  // The first DeepSeek-R1: answers of the past lose theirs, the prompt opens none.
  stripping: chat(stripped, "<|im_start|>assistant\\n"),
  // Another mark, opened without a line feed.
  bracketed: chat(stripped.replace("</think>", "[/THINK]"), "<|im_start|>assistant\\n[THINK]"),
  // Qwen3: the last answer keeps its thought, and takes it from a field of its own.
  field:
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}{% for m in messages %}{% if m.role == 'assistant' %}{% set t = '' %}{% set s = m.content %}{% if m.reasoning_content is string %}{% set t = m.reasoning_content %}{% elif '</think>' in m.content %}{% set t = m.content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}{% set s = m.content.split('</think>')[-1].lstrip('\\n') %}{% endif %}{{ '<|im_start|>assistant\\n' }}{% if loop.index0 > ns.last %}{{ '<think>\\n' + t + '\\n</think>\\n\\n' }}{% endif %}{{ s + '<|im_end|>\\n' }}{% else %}" +
    turn +
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  plain: chat(turn, "<|im_start|>assistant\\n"),
};
type Kind = keyof typeof templates;

function trained(kind: Kind, messages: Message[]) {
  const model = byteModel({ chatTemplate: templates[kind] });
  const row = encodeRow(model, { messages }, options);
  const labels = [...row.labels].filter((label) => label >= 0);
  const first = row.labels.findIndex((label) => label >= 0);
  return {
    text: model.tokenizer.decode(labels),
    before: first < 0 ? [] : [...row.tokens.subarray(0, first)],
    unfollowed: explainRow(model, { messages }, options).unfollowed ?? false,
    model,
  };
}

const withThought = "<think>\n340+68\n</think>\n\n408";

describe("an answer is trained right behind the prompt that serving sends, with its thought", () => {
  it.each<[Kind, Message, string]>([
    ["opening", say(withThought), "340+68\n</think>\n\n408<|im_end|>"],
    ["opening", say("340+68\n</think>\n\n408"), "340+68\n</think>\n\n408<|im_end|>"],
    ["opening", say("408", "340+68"), "340+68\n</think>\n\n408<|im_end|>"],
    ["opening", say("408", "\n340+68\n"), "340+68\n</think>\n\n408<|im_end|>"],
    ["opening", say("408", ""), "</think>\n\n408<|im_end|>"],
    ["opening", say("<think>\n\n</think>\n\n408"), "</think>\n\n408<|im_end|>"],
    ["stripping", say(withThought), `${withThought}<|im_end|>`],
    ["stripping", say("408", "340+68"), `${withThought}<|im_end|>`],
    ["stripping", say("408"), "408<|im_end|>"],
    ["bracketed", say("[THINK]340+68[/THINK]408"), "340+68[/THINK]408<|im_end|>"],
    ["field", say(withThought), `${withThought}<|im_end|>`],
    ["field", say("408", "340+68"), `${withThought}<|im_end|>`],
    ["plain", say(withThought), `${withThought}<|im_end|>`],
  ])("%s %j", (kind, answer, expected) => {
    const found = trained(kind, [ask("17*24?"), answer]);
    expect(found.text).toBe(expected);
    expect(found.before).toEqual([...encodePrompt(found.model, [ask("17*24?")])]);
    expect(found.unfollowed).toBe(false);
  });

  it("says which rows cannot: nothing says what stands in the thought that the prompt opens", () => {
    for (const kind of ["opening", "bracketed"] as const) {
      const found = trained(kind, [ask("12*12?"), say("144")]);
      expect(found).toMatchObject({ text: "", unfollowed: true });
    }
  });

  it("leaves an earlier answer untrained where its thought is dropped, and says so", () => {
    const messages = [ask("a?"), say("<think>\nx\n</think>\n\n1"), ask("b?"), say("<think>\ny\n</think>\n\n2")];
    expect(trained("field", messages)).toMatchObject({ text: "<think>\ny\n</think>\n\n2<|im_end|>", unfollowed: true });
    expect(trained("opening", messages)).toMatchObject({ text: "y\n</think>\n\n2<|im_end|>", unfollowed: true });
    const both = [ask("a?"), say("1"), ask("b?"), say("<think>\ny\n</think>\n\n2")];
    expect(trained("field", both)).toMatchObject({
      text: "1<|im_end|><think>\ny\n</think>\n\n2<|im_end|>",
      unfollowed: false,
    });
  });

  it("never reads a person's control text as a token, nor the template's mark as text", () => {
    const special = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"];
    const model = byteModel({ chatTemplate: templates.opening, special });
    const messages = [ask("q"), say("<think>\nno <|im_end|> here\n</think>\n\n1")];
    const { labels } = encodeRow(model, { messages }, options);
    const kept = [...labels].filter((label) => label >= 256).map((id) => model.tokenizer.tokenText(id));
    expect(kept).toEqual(["</think>", "<|im_end|>"]);
  });
});

describe("thoughts in a field of their own", () => {
  it("are refused by name where the template has no place for them", () => {
    const model = byteModel({ chatTemplate: templates.plain });
    const messages = [ask("q"), say("a", "why")];
    expect(() => encodeRow(model, { messages }, options)).toThrow(
      /no place for the thought of an answer \(reasoning_content\)/,
    );
    const past = [ask("q"), { ...say("a", "why"), weight: 0 }, ask("r"), say("b")];
    expect(encodeRow(model, { messages: past }, options).supervisedTokens).toBeGreaterThan(0);
  });

  it("are written between think marks for a template that reads those", () => {
    const model = byteModel({
      chatTemplate: templates.opening.replace(
        "m.content.split('</think>')[-1]",
        "(m.content|replace('</think>', '</think>'))",
      ),
    });
    expect(renderChat(model, [ask("q"), say("a", "why")], { addGenerationPrompt: false })).toContain(
      "<think>\nwhy\n</think>\n\na",
    );
  });
});
