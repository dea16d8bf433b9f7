// Tokenizers and chat templates that end no program of their own accord, or fill its memory.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { byteAlphabet } from "./byte-alphabet.ts";

type Json = Record<string, unknown>;
export interface TextFiles {
  tokenizer?: Json; // parts of tokenizer.json put in place of the good ones
  template?: string;
}

const chat =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** A tokenizer of single bytes with a chat template, as far as nothing else is given. */
export function writeTextModel(dir: string, { tokenizer = {}, template = chat }: TextFiles): void {
  const vocab = Object.fromEntries(Array.from({ length: 256 }, (_, byte) => [byteAlphabet[byte] as string, byte]));
  const added = ["<|im_start|>", "<|im_end|>"].map((content, i) => ({ id: 256 + i, content, special: true }));
  const good = {
    added_tokens: added,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges: [] },
  };
  writeFileSync(join(dir, "tokenizer.json"), JSON.stringify({ ...good, ...tokenizer }));
  writeFileSync(join(dir, "tokenizer_config.json"), JSON.stringify({ eos_token: "<|im_end|>" }));
  writeFileSync(join(dir, "chat_template.jinja"), template);
}

const split = (Regex: string): TextFiles => ({
  tokenizer: {
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex }, behavior: "Isolated" },
        { type: "ByteLevel", add_prefix_space: false, use_regex: false },
      ],
    },
  },
});
const normalizer = (...normalizers: Json[]): TextFiles => ({
  tokenizer: { normalizer: { type: "Sequence", normalizers } },
});
const grow = (times: number): Json => ({ type: "Replace", pattern: { Regex: "." }, content: "a".repeat(times) });
const loops = (depth: number) => `${"{% for a in range(999) %}".repeat(depth)}x${"{% endfor %}".repeat(depth)}`;

const never = /did not end within \d+ seconds|repeats a repetition/;
const tooMuch = /makes more than|are put into a text|steps/;
const capped = /takes more than|makes more than|nests|levels|deep/;

export const hostileTexts: [string, TextFiles, RegExp][] = [
  ["two ways to read two letters", split("(\\w|\\w\\w)+\\d$"), never],
  ["repetitions with ends, nested", split("((a{0,500}){0,500}){0,500}b"), never],
  ["a or aa", split("(a|aa)+b"), never],
  ["two ranges that overlap", split("([a-z]|[a-y])+[0-9]"), never],
  ["any character or a letter", split("(.|\\w)+!"), never],
  ["a star after a star", split(`${"a*".repeat(14)}b`), never],
  ["a look-ahead that never ends", split("(?=(a|aa)+b)a"), never],
  ["short repetitions, nested", split("(a{0,29}){0,29}b"), never],
  ["a look-behind that never ends", split("(?<=b(x|xx)+)x"), never],
  [
    "a Replace whose pattern never ends",
    normalizer({ type: "Replace", pattern: { Regex: "(a|aa)+b" }, content: "c" }),
    never,
  ],
  ["optional letters", split("(a?a?)+b|(a|a?)+c"), never],
  ["four Replace of x100", normalizer(grow(100), grow(100), grow(100), grow(100)), tooMuch],
  ["a Replace of x4000, twice", normalizer(grow(4000), grow(4000)), tooMuch],
  ["Prepend of 5 MB", normalizer({ type: "Prepend", prepend: "x".repeat(5 << 20) }), tooMuch],
  ["a thousand normalisers", normalizer(...Array.from({ length: 1000 }, () => ({ type: "NFKD" }))), tooMuch],
  ["loops in loops", { template: loops(4) }, capped],
  ["a template nested deeply", { template: `{{ ${"(".repeat(100_000)}1${")".repeat(100_000)} }}` }, capped],
  [
    "a text that doubles",
    {
      template:
        "{% set ns = namespace(s=messages[0].content) %}{% for i in range(80) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
    },
    capped,
  ],
  ["a macro that calls itself", { template: "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}" }, capped],
  ["a list by a billion", { template: "{{ ([1] * 1000000000)|length }}" }, capped],
];
