import type { Message } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { decodeAnswer, encodePrompt } from "../model/prompt.ts";
import { byteModel, controls } from "../testing/byte-model.ts";
import { answerFrame, expectedAnswer, readAnswer } from "./answer-frame.ts";
import { encodeRow } from "./encode-row.ts";

const question: Message[] = [{ role: "user", content: "colour?" }];
const turn = (around: string, opening = "") =>
  `{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}{%- if m.role == 'assistant' -%}${around}{%- else -%}{{ m.content }}{%- endif -%}{{ '<|im_end|>\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n${opening}' }}{%- endif -%}`;

/** What the trained model says: everything between the prompt of serving and the end of the turn. */
function learned(template: string, content: string, special?: readonly string[]) {
  const model = byteModel({ chatTemplate: template, ...(special ? { special } : {}) });
  const answer: Message = { role: "assistant", content };
  const prompt = encodePrompt(model, question);
  const { tokens } = encodeRow(model, { messages: [...question, answer] }, { maxSequenceTokens: 10_000 });
  const frame = answerFrame(model, question, answer);
  const ids = tokens.slice(prompt.length);
  return { frame, ids, said: decodeAnswer(model, ids) };
}

const templates: [name: string, template: string, special?: readonly string[]][] = [
  ["nothing", turn("{{ m.content }}")],
  ["an empty thought before it", turn("{{ '<think>\\n\\n</think>\\n\\n' + m.content }}")],
  [
    "an empty thought of control tokens",
    turn("{{ '<think>\\n\\n</think>\\n\\n' + m.content }}"),
    [...controls, "<think>", "</think>"],
  ],
  ["another family's empty thought", turn("{{ '[THINK][/THINK]' + m.content }}")],
  ["words before it", turn("{{ 'Answer: ' + m.content }}")],
  ["lines before it", turn("{{ '\\n\\n## Reply\\n' + m.content }}")],
  ["words after it", turn("{{ m.content + '\\n### end' }}")],
  ["words on both sides", turn("{{ '((' + m.content | trim + '))' }}")],
  ["a thought and words", turn("{{ '<think></think>\\nAnswer: ' + m.content + ' .' }}")],
  ["a thought that the prompt opens", turn("{{ '<think>\\n\\n</think>\\n\\n' + m.content }}", "<think>\\n")],
];

describe("what the template places around an answer", () => {
  it.each(templates)("is left out: %s", (_name, template, special) => {
    for (const content of ["blue", "a) red\nb) blue", "Answer: blue", "42 .", "((x))"]) {
      const { frame, ids, said } = learned(template, content, special);
      expect(readAnswer(frame, said)).toEqual({ text: content, thought: null, open: false });
      expect(frame.tokens).toBe(ids.length);
    }
  });

  it("is no licence for other answers", () => {
    const { frame } = learned(turn("{{ 'Answer: ' + m.content }}"), "blue");
    expect(readAnswer(frame, "Answer: red").text).toBe("red");
    expect(readAnswer(frame, "blue").text).toBe("blue");
    expect(readAnswer(frame, "The Answer: blue").text).toBe("The Answer: blue");
  });
});

it("cut off within the template's own text there is no answer yet", () => {
  const { frame } = learned(turn("{{ '<think>\\n\\n</think>\\n\\nAnswer: ' + m.content }}"), "blue");
  for (const said of ["<think", "<think>\n\n</thi", "<think>\n\n</think>\n\nAns"])
    expect(readAnswer(frame, said, true)).toEqual({ text: "", thought: null, open: true });
  expect(readAnswer(frame, "Ans", true).text).toBe("Ans");
});

describe("thoughts before an answer", () => {
  const plain = learned(turn("{{ m.content }}"), "408").frame;
  const opened = learned(turn("{{ '<think>\\n\\n</think>\\n\\n' + m.content }}", "<think>\\n"), "408").frame;

  it("are told apart from it, whatever marks them", () => {
    for (const [open, close] of [
      ["<think>", "</think>"],
      ["<reasoning>", "</reasoning>"],
      ["[THINK]", "[/THINK]"],
    ])
      expect(readAnswer(plain, `\n${open}\n340+68\n${close}\n\n408`)).toEqual({
        text: "408",
        thought: "340+68",
        open: false,
      });
    expect(readAnswer(opened, "340+68\n</think>\n\n408")).toEqual({ text: "408", thought: "340+68", open: false });
  });

  it("that were cut off leave no answer; without a cut the text is the answer", () => {
    expect(readAnswer(plain, "<think>340+", true)).toEqual({ text: "", thought: "340+", open: true });
    expect(readAnswer(opened, "340+", true)).toEqual({ text: "", thought: "340+", open: true });
    expect(readAnswer(opened, "408")).toEqual({ text: "408", thought: null, open: false });
    expect(readAnswer(plain, "408 is right", true)).toEqual({ text: "408 is right", thought: null, open: false });
  });

  it("in the middle of an answer belong to it", () => {
    expect(readAnswer(plain, "Say <think>x</think> now").text).toBe("Say <think>x</think> now");
  });

  it("of the row are no part of what is expected", () => {
    expect(expectedAnswer("<think>\n340+68\n</think>\n\n408")).toBe("408");
    expect(expectedAnswer("408")).toBe("408");
    expect(expectedAnswer("<think>never closed")).toBe("<think>never closed");
  });
});
