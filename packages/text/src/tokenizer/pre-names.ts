import type { PreTokenizerJson } from "./hf-json.ts";
import { gpt2Pattern } from "./pre-tokenizer.ts";
import { escapeForOniguruma } from "./regex.ts";

// What llama.cpp's `tokenizer.ggml.pre` names stand for: patterns applied in turn, each match and each gap a word.
interface PreKind {
  patterns: readonly string[];
  ignoreMerges?: boolean;
  addsBos?: boolean; // when tokenizer.ggml.add_bos_token does not say
  original?: readonly string[]; // of the tokenizer.json that the name was made for, where llama.cpp's differ: alike on its own vocabulary
  composes?: boolean; // the original tokenizer normalises to NFC (llama.cpp does not)
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const plainSpaces = "\\s+(?!\\S)|\\s+";
const tail = ` ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|${plainSpaces}`;
const llama3 = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${tail}`;
const qwen2 = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${tail}`;
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const slashTail = ` ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|${plainSpaces}`;
// Words of the Nordic models: what holds no white space and no mark that ends a sentence.
const unpunctuated = " ?[^(\\s|.,!?…。，、।۔،)]+";
const cased = (suffix: string, digits: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${suffix}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${suffix}|${digits}|${slashTail}`;

// Letters with case, as DeepSeek's first tokenizer lists them.
const casedLetters =
  "A-Za-z\\u00B5\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u01BA\\u01BC-\\u01BF\\u01C4-\\u0293\\u0295-\\u02AF\\u0370-\\u0373\\u0376\\u0377\\u037B-\\u037D\\u037F\\u0386\\u0388-\\u038A\\u038C\\u038E-\\u03A1\\u03A3-\\u03F5\\u03F7-\\u0481\\u048A-\\u052F\\u0531-\\u0556\\u10A0-\\u10C5\\u13A0-\\u13F5\\u13F8-\\u13FD\\u1C90-\\u1CBA\\u1CBD-\\u1CBF\\u1D00-\\u1D2B\\u1D6B-\\u1D77\\u1D79-\\u1D9A\\u1E00-\\u1F15\\u1F18-\\u1F1D\\u1F20-\\u1F45\\u1F48-\\u1F4D\\u1F50-\\u1F57\\u1F59\\u1F5B\\u1F5D\\u1F5F-\\u1F7D\\u1F80-\\u1FB4\\u1FB6-\\u1FBC\\u1FBE\\u1FC2-\\u1FC4\\u1FC6-\\u1FCC\\u1FD0-\\u1FD3\\u1FD6-\\u1FDB\\u1FE0-\\u1FEC\\u1FF2-\\u1FF4\\u1FF6-\\u1FFC\\u2102\\u2107\\u210A-\\u2113\\u2115\\u2119-\\u211D\\u2124\\u2126\\u2128\\u212A-\\u212D\\u212F-\\u2134\\u2139\\u213C-\\u213F\\u2145-\\u2149\\u214E\\u2183\\u2184\\u2C00-\\u2C7B\\u2C7E-\\u2CE4\\u2CEB-\\u2CEE\\u2CF2\\u2CF3\\uA640-\\uA66D\\uA680-\\uA69B\\uA722-\\uA76F\\uA771-\\uA787\\uA78B-\\uA78E\\uAB70-\\uABBF\\uFB00-\\uFB06\\uFB13-\\uFB17\\uFF21-\\uFF3A\\uFF41-\\uFF5A\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}";
const eastAsian = "[\\u4E00-\\u9FA5\\u0800-\\u4E00\\uAC00-\\uD7FF]+";

const deepseekLlm = [
  "[\\r\\n]",
  `\\s?[${casedLetters}]+`,
  "\\s?[!-/:-~\\uFF01-\\uFF0F\\uFF1A-\\uFF5E\\u2018-\\u201F\\u3000-\\u3002]+",
  "\\s+$",
  eastAsian,
];

const gpt2: PreKind = { patterns: [gpt2Pattern] };
const digitsThenGpt2: PreKind = { patterns: ["\\p{N}", gpt2Pattern] };
const llama3Like: PreKind = { patterns: [llama3], ignoreMerges: true, addsBos: true };
const qwen2Like: PreKind = { patterns: [qwen2], composes: true };

const kinds: Readonly<Record<string, PreKind>> = {
  "gpt-2": gpt2,
  smollm: digitsThenGpt2,
  "llama-bpe": llama3Like,
  qwen2: qwen2Like,
  "deepseek-v3": {
    patterns: [
      "\\p{N}{1,3}",
      "[\\u4E00-\\u9FA5\\u3040-\\u309F\\u30A0-\\u30FF]+",
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
  },
  "deepseek-llm": { patterns: [...deepseekLlm, "\\p{N}+"], original: [...deepseekLlm, "\\p{N}"] },
  "deepseek-coder": { patterns: ["[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", eastAsian, "\\p{N}"] },
  "smaug-bpe": { patterns: [llama3] },
  qwen35: {
    patterns: [
      `${contractions}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    ],
    composes: true,
  },
  falcon: { patterns: ["[\\p{P}\\$\\+<=>\\^~\\|`]+", gpt2Pattern, "[0-9][0-9][0-9]"] },
  "jais-2": {
    patterns: [
      `${llama3.slice(0, -plainSpaces.length)}${[512, 256, 128, 64, 32, 16, 8, 4, "1,2"].map((run) => `\\s{${run}}(?!\\S)`).join("|")}|\\s{1}`,
    ],
  },
  minicpm5: { patterns: ["\\p{N}{1,3}", llama3.replace("{1,3}", "+")], ignoreMerges: true },
  "seed-coder": {
    patterns: [
      `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|${plainSpaces}`,
    ],
  },
  bailingmoe: {
    patterns: [
      `'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|${plainSpaces}`,
    ],
  },
  ufakzeka: { patterns: [qwen2.slice(contractions.length + 1)] },
  laguna: { patterns: ["[^\\n]+|[\\n]+", qwen2] },
  "poro-chat": { patterns: [unpunctuated] },
  viking: { patterns: [unpunctuated, "\\p{N}"] },
  tekken: { patterns: [cased("", "\\p{N}")], ignoreMerges: true, addsBos: true },
  "gpt-4o": { patterns: [cased(`${contractions}?`, "\\p{N}{1,3}")] },
  // llama.cpp's own fallback where a file names nothing.
  default: { patterns: ["[\\p{P}\\$\\+<=>\\^~\\|]+", gpt2Pattern, "\\p{N}+", "[0-9][0-9][0-9]"] },
};

const aliases: Readonly<Record<string, string>> = {
  llama3: "llama-bpe",
  "llama-v3": "llama-bpe",
  falcon3: "llama-bpe",
  pixtral: "llama-bpe",
  lfm2: "llama-bpe",
  "falcon-h1": "llama-bpe",
  "midm-2.0": "llama-bpe",
  dbrx: "smaug-bpe",
  glm4: "smaug-bpe",
  "chatglm-bpe": "smaug-bpe",
  "deepseek-r1-qwen": "qwen2",
  megrez: "qwen2",
  stablelm2: "qwen2",
  hunyuan: "qwen2",
  "solar-open": "qwen2",
  "grok-2": "qwen2",
  kormo: "qwen2",
  "hunyuan-dense": "deepseek-v3",
  "joyai-llm": "deepseek-v3",
  hy_v4: "deepseek-v3",
  bailingmoe2: "bailingmoe",
  "llada-moe": "bailingmoe",
  bloom: "poro-chat",
  "gpt3-finnish": "poro-chat",
  starcoder: "smollm",
  refact: "smollm",
  "command-r": "smollm",
  codeshell: "smollm",
  exaone: "smollm",
  "minerva-7b": "smollm",
  gpt2: "gpt-2",
  "phi-2": "gpt-2",
  mpt: "gpt-2",
  olmo: "gpt-2",
  jais: "gpt-2",
  mellum: "gpt-2",
  exaone4: "gpt-2",
  "modern-bert": "gpt-2",
  trillion: "gpt-2",
  gigachat: "gpt-2",
  "a.x-4.0": "gpt-2",
  "granite-docling": "gpt-2",
  mellum2: "smollm",
  llama4: "gpt-4o",
  kanana2: "gpt-4o",
  "minimax-m2": "gpt-4o",
};

// null for a name that is not known.
export function preKind(name: string): PreKind | null {
  return kinds[aliases[name] ?? name] ?? null;
}
export const preNames: readonly string[] = [...Object.keys(kinds), ...Object.keys(aliases)].sort();

// One spelling for escapes that mean the same, so that patterns from different files compare.
const canonical = (pattern: string) =>
  pattern
    .replace(/\\u([0-9a-fA-F]{4})|\\x\{([0-9a-fA-F]+)\}/g, (_, four: string, any: string) =>
      String.fromCodePoint(Number.parseInt(four ?? any, 16)),
    )
    .replace(/\r/g, "\\r")
    .replace(/\n/g, "\\n")
    .replace(/\\-/g, "-");

// The patterns of a byte-level pre-tokenizer in tokenizer.json, or null where it is more than patterns in turn.
function patternsOf(json: PreTokenizerJson | null | undefined): string[] | null {
  if (!json) return null;
  const patterns: string[] = [];
  const nodes = json.type === "Sequence" ? (json.pretokenizers ?? []) : [json];
  let byteLevel = false;
  for (const node of nodes) {
    if (node.type === "Digits" && node.individual_digits) patterns.push("\\p{N}");
    else if (node.type === "ByteLevel" && !node.add_prefix_space) {
      byteLevel = true;
      if (node.use_regex ?? true) patterns.push(gpt2Pattern);
    } else if (node.type === "Split" && typeof node.pattern === "object") {
      // Taking gaps out of what matches, or matches out of what does not, is the same cut here.
      if (node.behavior !== "Isolated" && !(node.behavior === "Removed" && node.invert)) return null;
      patterns.push(node.pattern.Regex ?? escapeForOniguruma(node.pattern.String ?? ""));
    } else return null;
  }
  return byteLevel ? patterns : null;
}

// The name under which llama.cpp knows the pre-tokenizer of a tokenizer.json; null: it has none. `mergesReachAll` tells
// that every token arises by merging: then it changes nothing whether words are looked up before they are merged.
export function preNameOf(
  json: PreTokenizerJson | null | undefined,
  ignoreMerges: boolean,
  mergesReachAll: () => boolean,
): string | null {
  const patterns = patternsOf(json);
  if (!patterns) return null;
  const wanted = patterns.map(canonical).join("\u0000");
  const alike = Object.entries(kinds).filter(
    ([name, kind]) => name !== "default" && (kind.original ?? kind.patterns).map(canonical).join("\u0000") === wanted,
  );
  const same = alike.find(([, kind]) => (kind.ignoreMerges ?? false) === ignoreMerges);
  return (same ?? (alike.length > 0 && mergesReachAll() ? alike[0] : undefined))?.[0] ?? null;
}
