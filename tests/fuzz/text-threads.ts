// Whole text models of strangers in a text thread, as the console reads them: tokenizers with made-up patterns, normalisers and
// decoders, and made-up templates. Each ends with a check or a TextError, within the thread's deadline and memory.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatasetRow } from "@anneal/contracts";
import { createTextHost } from "@anneal/text";
import type { Random } from "../../demo/language/random.ts";
import { type TextFiles, writeTextModel } from "../support/hostile-texts.ts";
import { textThread } from "../support/text-thread.ts";

type Json = Record<string, unknown>;
const deadlineSeconds = 2;

const atoms = [
  "a",
  "x",
  "\\w",
  "\\d",
  ".",
  "[a-z]",
  "[^b]",
  "\\s",
  "\\p{L}",
  "b",
  "é",
  "\\b",
  "^",
  "$",
  "(?i:ab)",
  "\\S",
];
const quantifiers = ["", "", "", "*", "+", "?", "{0,29}", "{2,}", "{3}", "*?", "++", "{0,500}"];

function pattern(random: Random, depth = 0): string {
  let text = "";
  for (let n = 1 + random.below(4); n > 0; n--) {
    const inner = depth < 4 && random.chance(0.4);
    const group = random.pick(["(", "(?:", "(?=", "(?!", "(?<=", "(?>"]);
    text += inner ? `${group}${pattern(random, depth + 1)})` : random.pick(atoms);
    text += random.pick(quantifiers);
    if (random.chance(0.25)) text += "|";
  }
  return text;
}

const texts = ["", "a", "ab", "▁", "\ufdfa", "a".repeat(60), "x".repeat(4000), "\ud800"];
const patternJson = (random: Random): Json =>
  random.chance(0.7) ? { Regex: pattern(random) } : { String: random.pick(texts) };

function normalizer(random: Random, depth = 0): Json {
  const type = random.pick(["NFC", "NFKD", "Prepend", "Replace", "Replace", "Lowercase", "Strip", "Sequence", "Other"]);
  if (type === "Sequence" && depth < 4)
    return { type, normalizers: Array.from({ length: random.below(8) }, () => normalizer(random, depth + 1)) };
  return { type, pattern: patternJson(random), content: random.pick(texts), prepend: random.pick(texts) };
}

function preTokenizer(random: Random): Json {
  const step = (): Json => ({
    type: random.pick(["Split", "Split", "Digits", "Punctuation", "Metaspace", "WhitespaceSplit", "Whitespace"]),
    pattern: patternJson(random),
    behavior: random.pick(["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"]),
    invert: random.chance(0.2),
    replacement: random.pick(["▁", "▁", "a", "long"]),
    prepend_scheme: random.pick(["always", "first", "never"]),
  });
  const pretokenizers = [
    ...Array.from({ length: random.below(4) }, step),
    { type: "ByteLevel", use_regex: random.chance(0.5) },
  ];
  return { type: "Sequence", pretokenizers };
}

const pieces = [
  "{{ messages[0].content }}",
  "{% for m in messages %}{{ m.content }}",
  "{% endfor %}",
  "{% set ns = namespace(s=messages[0].content) %}",
  "{% set ns.s = ns.s + ns.s %}",
  "{% for i in range(900) %}",
  "{{ ns.s|replace('a', 'aaaaaaaa') }}",
  "{{ ns.s.split('a')|join(ns.s) }}",
  "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
  "{{ ns.s * 999999 }}",
  "{{ [ns.s] * 999999 }}",
  "{% if messages|length > 1 %}x{% endif %}",
  "<|im_start|>",
  "<think>\\n",
  "{{ m.content.split('</think>')[-1] }}",
  `${"((".repeat(3000)}`,
];

function files(random: Random): TextFiles {
  const tokenizer: Json = {};
  if (random.chance(0.6)) tokenizer.pre_tokenizer = preTokenizer(random);
  if (random.chance(0.5)) tokenizer.normalizer = normalizer(random);
  if (random.chance(0.2)) tokenizer.post_processor = { type: random.pick(["ByteLevel", "Sequence", "Other"]) };
  if (random.chance(0.6)) return { tokenizer };
  return { tokenizer, template: Array.from({ length: 1 + random.below(10) }, () => random.pick(pieces)).join("") };
}

const row = (content: string): DatasetRow => ({
  messages: [
    { role: "user", content: "what a word" },
    { role: "assistant", content },
  ],
});
const rows = [
  row("abc 123 é"),
  row(`${"a".repeat(200)} ${"x".repeat(200)}`),
  row("<think>\nwhy\n</think>\n\nso <|im_end|>"),
];

export async function textThreadsTarget() {
  const home = mkdtempSync(join(tmpdir(), "anneal-fuzz-text-"));
  const host = createTextHost({
    program: await textThread(),
    threads: 1,
    rowSeconds: deadlineSeconds,
    loadSeconds: deadlineSeconds,
    megabytes: 256,
  });
  let made = 0;
  return {
    async run(random: Random): Promise<void> {
      const dir = join(home, String(made++));
      mkdirSync(dir);
      try {
        writeTextModel(dir, files(random));
        const model = { key: dir, source: () => ({ kind: "hf" as const, dir }) };
        const check = await host.check(model, rows, { maxSequenceTokens: 256, examples: 3 });
        if (check.rows !== rows.length) throw new Error(`${check.rows} rows were checked`);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
    async close(): Promise<void> {
      await host.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
