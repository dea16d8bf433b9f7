import type { Recording } from "./recording.ts";

export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  body: Buffer;
}
export type Verdict = { same: true; wordsDiffer: boolean } | { same: false; why: string };

interface Context {
  models: string; // the store's folder
  // Sizes and digests that hang on llama.cpp's own quantiser.
  looseDigests: boolean;
  words: boolean; // set when only the model's words differ
}

const durations = /_duration$/;
const moments = new Set(["created_at", "modified_at", "expires_at"]);
const changing = new Set(["created", "id"]);
const words = new Set(["content", "response", "logprobs", "eval_count", "context", "done_reason", "eval_duration"]);

const plainText = (text: string, models: string): string =>
  text
    .replaceAll(models, "$OLLAMA_MODELS")
    .replace(/ on (<dns>|[\d.:]+)(?=: no such host)/, "")
    .replace(/\(checked: [^)]*\)/, "(checked)")
    .replace(/^(creating new|using existing) layer /, "layer ");
const sortedLines = (text: string): string => text.split("\n").sort().join("\n");

// Compares an answer with a recorded one. What a clock, a path or chance decides is left out; everything else counts.
export function compareAnswer(recording: Recording, answer: Answer, models: string): Verdict {
  const { response } = recording;
  const context: Context = { models, looseDigests: /K_[SM]|^quant\.show$/.test(recording.id), words: false };
  if (response.status !== answer.status)
    return { same: false, why: `status ${answer.status} in place of ${response.status}` };
  for (const header of ["content-type", "allow", "access-control-allow-origin"]) {
    const want = response.headers?.[header];
    if (want !== answer.headers[header])
      return { same: false, why: `${header}: ${answer.headers[header]} in place of ${want}` };
  }
  const text = answer.body.toString("utf8");
  try {
    if (response.lines) compareLines(response.lines, text, context);
    else if (response.body_text !== undefined) equal(response.body_text, text.trimEnd(), "body", context);
    else if (response.body === null || response.body === "" || response.body === undefined)
      equal("", text, "body", context);
    else compare(response.body, JSON.parse(text), "body", context);
  } catch (error) {
    return { same: false, why: error instanceof Error ? error.message : String(error) };
  }
  return { same: true, wordsDiffer: context.words };
}

function compareLines(want: unknown[], text: string, context: Context): void {
  const got: unknown[] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const isWord = (line: unknown) => typeof line === "object" && line !== null && "done" in line && line.done === false;
  if (want.some((line) => isLeftOut(line)) || (want.some(isWord) && want.length !== got.length)) {
    // A model's pieces: the first and the last line tell the form.
    context.words ||= want.length !== got.length;
    compare(want[0], got[0], "first line", context);
    compare(want.at(-1), got.at(-1), "last line", context);
    return;
  }
  if (want.length !== got.length)
    throw new Error(
      `${got.length} lines in place of ${want.length}, the last ${JSON.stringify(got.at(-1))} in place of ${JSON.stringify(want.at(-1))}`,
    );
  want.forEach((line, i) => {
    compare(line, got[i], `line ${i + 1}`, context);
  });
}

const isLeftOut = (value: unknown): boolean => typeof value === "object" && value !== null && "_left_out" in value;
const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? "undefined";

function equal(want: unknown, got: unknown, where: string, _context: Context): void {
  if (want !== got) throw new Error(`${where}: ${show(got)} in place of ${show(want)}`);
}

function compareText(want: string, got: unknown, where: string, key: string, context: Context): void {
  if (typeof got !== "string") throw new Error(`${where}: ${show(got)} in place of ${show(want)}`);
  let [a, b] = [plainText(want, context.models), plainText(got, context.models)];
  if (key === "parameters" || key === "modelfile") [a, b] = [sortedLines(a), sortedLines(b)];
  if (want.includes("FROM <path>")) b = b.replace(/FROM \$OLLAMA_MODELS\S+/, "FROM <path>");
  if (context.looseDigests) [a, b] = [a, b].map((text) => text.replace(/[0-9a-f]{64}/g, "digest")) as [string, string];
  equal(a, b, where, context);
}

function compare(want: unknown, got: unknown, where: string, context: Context, key = ""): void {
  if (moments.has(key)) {
    if (typeof got !== "string" || Number.isNaN(Date.parse(got)))
      throw new Error(`${where}: ${show(got)} is no moment`);
    return;
  }
  if (durations.test(key) || changing.has(key)) {
    if (typeof got !== typeof want) throw new Error(`${where}: ${show(got)} in place of ${show(want)}`);
    return;
  }
  if (typeof want === "string") compareText(want, got, where, key, context);
  else if (Array.isArray(want)) compareList(want, got, where, context);
  else if (typeof want === "object" && want !== null)
    compareObject(want as Record<string, unknown>, got, where, context);
  else if (key === "logprob" && typeof want === "number" && typeof got === "number") {
    if (Math.abs(want - got) >= 0.05) equal(want, got, where, context);
  } else equal(want, got, where, context);
}

function compareList(want: unknown[], got: unknown, where: string, context: Context): void {
  if (!Array.isArray(got)) throw new Error(`${where}: ${show(got)} in place of a list`);
  if (want.length !== got.length) throw new Error(`${where}: ${got.length} entries in place of ${want.length}`);
  // Within one second the server lists models in no fixed order.
  const byName = (list: unknown[]) =>
    list.every((item) => typeof item === "object" && item !== null && ("modified_at" in item || "expires_at" in item))
      ? [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : list;
  const mine = byName(got);
  byName(want).forEach((item, i) => {
    compare(item, mine[i], `${where}[${i}]`, context);
  });
}

function compareObject(want: Record<string, unknown>, got: unknown, where: string, context: Context): void {
  if ("_list_length" in want && Array.isArray(got)) {
    compareShortened(want, got, where, context);
    return;
  }
  if (typeof got !== "object" || got === null) throw new Error(`${where}: ${show(got)} in place of an object`);
  const have = got as Record<string, unknown>;
  for (const key of new Set([...Object.keys(want), ...Object.keys(have)])) {
    const place = `${where}.${key}`;
    const isRunning = "expires_at" in want && key === "size";
    if (isRunning) continue;
    // The recordings were made with real weights; here llama.cpp is another build, or answers are marked.
    if (words.has(key) && "done" in (where.endsWith("message") ? { done: 1 } : have)) {
      try {
        compare(want[key], have[key], place, context, key);
      } catch {
        context.words = true;
      }
      continue;
    }
    if (!(key in want)) throw new Error(`${place}: there is ${show(have[key])}, where nothing was recorded`);
    if (!(key in have)) throw new Error(`${place}: nothing in place of ${show(want[key])}`);
    compare(want[key], have[key], place, context, key);
  }
}

function compareShortened(want: Record<string, unknown>, got: unknown[], where: string, context: Context): void {
  const first = Array.isArray(want._first) ? want._first : [];
  const last = Array.isArray(want._last) ? want._last : [];
  // Lists of models hold what other exchanges left behind; lists of tokens must be whole.
  const isModels =
    typeof first[0] === "object" && first[0] !== null && ("digest" in first[0] || "owned_by" in first[0]);
  if (!isModels && got.length !== want._list_length)
    throw new Error(`${where}: ${got.length} entries in place of ${String(want._list_length)}`);
  if (isModels) {
    const nameOf = (entry: unknown) => (entry as { name?: string; id?: string }).name ?? (entry as { id?: string }).id;
    for (const entry of first) {
      const mine = got.find((other) => nameOf(other) === nameOf(entry));
      if (mine) compare(entry, mine, `${where} ${nameOf(entry)}`, context);
    }
    if (!got.some((other) => nameOf(other) === nameOf(first[0])))
      throw new Error(`${where}: ${String(nameOf(first[0]))} is missing`);
    return;
  }
  compareList(first, got.slice(0, first.length), where, context);
  compareList(last, got.slice(-last.length), where, context);
}
