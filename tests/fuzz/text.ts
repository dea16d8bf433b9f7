// The readers of @anneal/text: broken token shards, tokenizers and chat templates. A refusal is a TextError; anything else
// thrown, or an input that takes ten seconds, is a finding.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ChatTemplate,
  openShard,
  openTeacherFile,
  TextError,
  tokenizerFromGguf,
  tokenizerFromHuggingFace,
  writeShard,
  writeTeacherFile,
} from "@anneal/text";
import { Random } from "../../demo/language/random.ts";
import type { Counts } from "../support/suite-result.ts";
import { teacherFacts } from "../support/teacher-facts.ts";
import { textThreadsTarget } from "./text-threads.ts";

export const textReaders = ["shard", "teacher", "tokenizer", "template", "text"] as const;
export type TextReader = (typeof textReaders)[number];

const secondsAllowed = 10;

interface Target {
  run(random: Random): void | Promise<void>;
  close(): void | Promise<void>;
}

const oddNumbers = [0, 1, 7, 8, 255, 256, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

function damage(bytes: Buffer, random: Random): Buffer {
  let out = Buffer.from(bytes);
  for (let n = 1 + random.below(4); n > 0 && out.length > 0; n--) {
    const at = random.below(out.length);
    const kind = random.below(5);
    if (kind === 0) out[at] = random.below(256);
    else if (kind === 1) out = out.subarray(0, at);
    else if (kind === 2) out = Buffer.concat([out.subarray(0, at), out.subarray(random.below(out.length))]);
    else if (kind === 3 && at + 8 <= out.length)
      out.writeBigUInt64LE(BigInt(random.pick(oddNumbers)) << BigInt(random.pick([0, 32])), at);
    else if (at + 4 <= out.length) out.writeUInt32LE(random.pick(oddNumbers), at);
  }
  return out;
}

async function shardTarget(): Promise<Target> {
  const dir = mkdtempSync(join(tmpdir(), "anneal-fuzz-"));
  const path = join(dir, "shard");
  const row = (ids: number[]) => ({
    tokens: Int32Array.from(ids),
    labels: Int32Array.from(ids, (id, i) => (i % 2 ? id : -100)),
    supervisedTokens: Math.floor(ids.length / 2),
    truncated: false,
  });
  async function* rows() {
    for (const length of [3, 1, 12, 5]) yield row(Array.from({ length }, (_, i) => i * 31));
    yield { ...row([7, 8, 9]), mark: 1 as const, weights: Float32Array.of(0, 0.5, 1) };
  }
  await writeShard(path, rows());
  const good = readFileSync(path);
  const footer = good.length - 40;
  return {
    run(random) {
      let bytes = damage(good, random);
      // A frame that still looks right, around counts that do not.
      if (random.chance(0.5)) {
        bytes = Buffer.from(good);
        bytes.writeBigUInt64LE(BigInt(random.pick(oddNumbers)), footer + 8 * random.below(4));
      }
      writeFileSync(path, bytes);
      const shard = openShard(path);
      try {
        for (let i = 0; i < shard.rows; i++)
          if (
            shard.tokens(i).length !== shard.length(i) ||
            shard.labels(i).length !== shard.length(i) ||
            (shard.weights(i)?.length ?? shard.length(i)) !== shard.length(i)
          )
            throw new Error(`row ${i} has another length than the shard says`);
      } finally {
        shard.close();
      }
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

async function teacherTarget(): Promise<Target> {
  const dir = mkdtempSync(join(tmpdir(), "anneal-fuzz-"));
  const path = join(dir, "teacher");
  const rows = [3, 1, 12, 5].map((length) => {
    const mask = Uint8Array.from({ length }, (_, i) => Number(i % 2 === 1));
    const values = 2 * mask.reduce((sum, flag) => sum + flag, 0);
    return {
      tokens: Int32Array.from({ length }, (_, i) => i * 31),
      mask,
      ids: Int32Array.from({ length: values }, (_, i) => i * 3),
      logprobs: Float32Array.from({ length: values }, (_, i) => -0.5 - (i % 2)),
    };
  });
  await writeTeacherFile(path, teacherFacts(400), rows);
  const good = readFileSync(path);
  return {
    run(random) {
      let bytes = damage(good, random);
      // A frame that still looks right, around counts that do not.
      if (random.chance(0.5)) {
        bytes = Buffer.from(good);
        bytes.writeBigUInt64LE(BigInt(random.pick(oddNumbers)), good.length - 56 + 8 * random.below(5));
      }
      writeFileSync(path, bytes);
      const file = openTeacherFile(path);
      try {
        for (let i = 0; i < file.rows; i++) {
          const { tokens, mask, ids, logprobs } = file.row(i);
          const masked = mask.reduce((sum, flag) => sum + flag, 0);
          if (tokens.length !== file.length(i) || ids.length !== masked * file.facts.topK)
            throw new Error(`row ${i} has other lengths than the file says`);
          if (ids.length !== logprobs.length || ids.some((id) => id < 0 || id >= file.facts.vocabularySize))
            throw new Error(`row ${i} has guesses that are none`);
        }
      } finally {
        file.close();
      }
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const oddValues: readonly unknown[] = [
  null,
  -1,
  1e308,
  "",
  "\u0000",
  "a".repeat(5000),
  [],
  {},
  [[]],
  true,
  3,
  ["x"],
  { type: "Sequence" },
  "(a+)+$",
  "<0xFF>",
  "\ud800",
];

// Replaces, removes or doubles something anywhere in a tree.
function shake(value: unknown, random: Random): unknown {
  if (random.chance(0.15) || value === null || typeof value !== "object") return random.pick(oddValues);
  if (Array.isArray(value)) {
    const copy = [...value];
    if (copy.length === 0) return [random.pick(oddValues)];
    const at = random.below(copy.length);
    const kind = random.below(5);
    if (kind === 0) copy.splice(at, 1);
    else if (kind === 1) copy.splice(at, 0, copy[random.below(copy.length)]);
    else copy[at] = shake(copy[at], random);
    return copy;
  }
  const copy: Record<string, unknown> = { ...value };
  const keys = Object.keys(copy);
  if (keys.length === 0) return { x: random.pick(oddValues) };
  const key = random.pick(keys);
  if (random.chance(0.2)) delete copy[key];
  else copy[key] = shake(copy[key], random);
  return copy;
}

// A GGUF reader always gives a record; its values may be anything.
function shakeEntry(record: Record<string, unknown>, random: Random): Record<string, unknown> {
  const key = random.pick(Object.keys(record));
  return { ...record, [key]: random.chance(0.2) ? undefined : shake(record[key], random) };
}

function tokenizerTarget(): Target {
  const letters = [..."abcdefgh"];
  const tokens = ["<|end|>", ...letters, "ab", "cd", "abcd", "Ġ"];
  const gguf: Record<string, unknown> = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": tokens.map((_, i) => (i === 0 ? 3 : 1)),
    "tokenizer.ggml.scores": tokens.map((_, i) => -i),
    "tokenizer.ggml.merges": ["a b", "c d", "ab cd"],
    "tokenizer.ggml.eos_token_id": 0,
    "tokenizer.ggml.add_bos_token": false,
  };
  const hf = {
    version: "1.0",
    added_tokens: [
      { id: 0, content: "<|end|>", special: true, normalized: false, lstrip: false, rstrip: false, single_word: false },
    ],
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "NFC" }, { type: "Replace", pattern: { Regex: "x+" }, content: "y" }],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: "\\p{N}{1,3}|\\s+(?!\\S)" }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, use_regex: true },
      ],
    },
    post_processor: { type: "ByteLevel" },
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, i) => [token, i])),
      merges: [
        ["a", "b"],
        ["c", "d"],
        ["ab", "cd"],
      ],
    },
  };
  const texts = ["abcd abc 12345", "<|end|>", "\ud800x", "  a\n\nb é 漢字 👍", "a".repeat(300)];
  return {
    run(random) {
      const llama = random.chance(0.3) ? { ...gguf, "tokenizer.ggml.model": "llama" } : gguf;
      const tokenizer = random.chance(0.5)
        ? tokenizerFromGguf(shakeEntry(llama, random))
        : tokenizerFromHuggingFace(shake(hf, random));
      for (const text of texts) {
        const ids = tokenizer.encode(text, { parseSpecial: random.chance(0.5) });
        for (const id of ids) if (id < 0 || id >= tokenizer.vocabularySize) throw new Error(`${id} is no token`);
        tokenizer.decode(ids);
      }
    },
    close: () => undefined,
  };
}

const fragments = [
  "{% for m in messages %}",
  "{% endfor %}",
  "{% if m.role == 'user' %}",
  "{% else %}",
  "{% endif %}",
  "{{ m['content'] | trim }}",
  "{{ messages | length }}",
  "{{ loop.index0 % 2 }}",
  "{{ raise_exception('no') }}",
  "{% set x = x ~ x %}",
  "{% set x = 'ab' * 9 %}",
  "{{ range(1000000000) | list }}",
  "{{ x | replace('a', 'aaaa') }}",
  "{{ messages.__class__.__mro__ }}",
  "{{ ''.join(messages) }}",
  "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
  "{{ messages[-1:0:-1] }}",
  "{{ 1 // 0 }}",
  "{{ [1] * 10000000 }}",
  "{{ x.constructor }}",
  "{% for a in range(99999) %}{% for b in range(99999) %}",
  "{{-",
  "-%}",
  "{#",
  "#}",
  "'",
  '"',
  "{{ (((((((((1))))))))) }}",
  "text",
  "{{ messages | tojson }}",
];

function templateTarget(): Target {
  const messages = [
    { role: "system", content: "s" },
    { role: "user", content: "{{ 7 * 7 }} <|im_end|>" },
    { role: "assistant", content: "a" },
  ];
  return {
    run(random) {
      let source = "";
      for (let n = 1 + random.below(10); n > 0; n--) source += random.pick(fragments);
      if (random.chance(0.3)) source = damage(Buffer.from(source), random).toString("utf8");
      new ChatTemplate(source).render({ messages, addGenerationPrompt: random.chance(0.5) });
    },
    close: () => undefined,
  };
}

const targets: Record<TextReader, () => Target | Promise<Target>> = {
  shard: shardTarget,
  teacher: teacherTarget,
  tokenizer: tokenizerTarget,
  template: templateTarget,
  text: textThreadsTarget,
};

/** Feeds a reader. Stops at the first finding, which the output describes with the numbers that make it again. */
export async function fuzzText(
  reader: TextReader,
  runs: number,
  seed: number,
  only?: number,
): Promise<{ counts: Counts; output: string }> {
  const target = await targets[reader]();
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (let i = only ?? 0; i < (only === undefined ? runs : only + 1); i++) {
      const started = performance.now();
      let finding: unknown = null;
      try {
        await target.run(new Random(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca6b)));
      } catch (error) {
        if (!(error instanceof TextError)) finding = error;
      }
      const seconds = (performance.now() - started) / 1000;
      if (seconds > secondsAllowed) finding = new Error(`the input takes ${seconds.toFixed(1)} s`);
      if (finding) {
        counts.failed++;
        const what = finding instanceof Error ? (finding.stack ?? finding.message) : String(finding);
        return {
          counts,
          output: `finding: ${what}\nreproduce: npm run -s fuzz -- ${reader} --seed ${seed} --only ${i}\n`,
        };
      }
      counts.passed++;
    }
  } finally {
    await target.close();
  }
  return { counts, output: "" };
}
