import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// Reads the engine's C++ for its errors; for the test that holds the catalogues of reasons to it.

const native = fileURLToPath(new URL("../../../packages/engine/native", import.meta.url));
const isSource = (path: string) =>
  /\.(cc|cu|cuh|h)$/.test(path) && !/_test\.cc$|^(bench|fuzz|reference|test_support)\//.test(path);

export interface ThrownReason {
  reason: string;
  pattern: string;
  args: string[]; // their names, sorted
  place: string;
}

// Where a call has its reason, its pattern and its arguments; `own` are those that the called function adds, `of` the one file that has it.
const calls: Record<string, { reason: number; pattern: number; args: number; own?: string[]; of?: string }> = {
  Error: { reason: 1, pattern: 3, args: 4 },
  require: { reason: 2, pattern: 4, args: 5 },
  refuse: { reason: 0, pattern: 2, args: 3 },
  malformed: { reason: 0, pattern: 2, args: 3 },
  refuse_gguf: { reason: 0, pattern: 2, args: 3 },
  io_failed: { reason: 0, pattern: 2, args: 4, own: ["cause"] },
  fail: { reason: 0, pattern: 1, args: 2, of: "io/json.cc" },
  Cause: { reason: 0, pattern: 1, args: 2 },
};
const call = new RegExp(`(?<![\\w:.>~])(${Object.keys(calls).join("|")})(?:\\s+\\w+)?\\s*([({])`, "g");
// The functions themselves hand on what they are given.
const handsOn = /^core\/error\.(h|cc)$/;

const stringEnd = (text: string, from: number): number => {
  for (let at = from + 1; at < text.length; at++)
    if (text[at] === "\\") at++;
    else if (text[at] === text[from]) return at + 1;
  return text.length;
};

/** Comments blanked out, strings kept. */
function withoutComments(text: string): string {
  let out = "";
  for (let at = 0; at < text.length; ) {
    const end = text.startsWith("//", at)
      ? text.indexOf("\n", at)
      : text.startsWith("/*", at)
        ? text.indexOf("*/", at) + 2
        : -1;
    if (end > 0) {
      out += text.slice(at, end).replace(/[^\n]/g, " ");
      at = end;
    } else if (text[at] === '"') {
      const to = stringEnd(text, at);
      out += text.slice(at, to);
      at = to;
    } else out += text[at++];
  }
  return out;
}

/** What stands between the bracket at `from` and its end, cut at the commas of its own level. */
function argumentsAt(text: string, from: number): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = from + 1;
  for (let at = from; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === '"' || (letter === "'" && !/\w/.test(text[at - 1] ?? ""))) at = stringEnd(text, at) - 1;
    else if ("([{".includes(letter)) depth++;
    else if (")]}".includes(letter) && --depth === 0) {
      found.push(text.slice(start, at).trim());
      return found;
    } else if (letter === "," && depth === 1) {
      found.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return found;
}

/** The text of literals side by side; null where anything else stands there. */
function literal(text: string | undefined): string | null {
  if (!text || !/^("(?:[^"\\]|\\.)*"\s*)+$/s.test(text)) return null;
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/gs)]
    .map(([, inner = ""]) => inner.replace(/\\(.)/gs, (_all, escaped: string) => (escaped === "n" ? "\n" : escaped)))
    .join("");
}

function namesOf(args: string | undefined): string[] {
  if (!args?.startsWith("{")) return [];
  return argumentsAt(args, 0).map((pair) => literal(argumentsAt(pair, 0)[0]) ?? "");
}

/** Every error that the engine can throw, and the places that cannot be read. */
export function thrownReasons(): { thrown: ThrownReason[]; unreadable: string[] } {
  const thrown: ThrownReason[] = [];
  const unreadable: string[] = [];
  for (const path of readdirSync(native, { recursive: true, encoding: "utf8" }).sort()) {
    if (!isSource(path)) continue;
    const text = withoutComments(readFileSync(join(native, path), "utf8"));
    for (const found of text.matchAll(call)) {
      const [whole, name = "", bracket] = found;
      // The emulator of kernels reports faults of a kernel by a type and a `refuse` of its own.
      const where = path.startsWith("emulator/") && name !== "Error" ? undefined : calls[name];
      const given = argumentsAt(text, found.index + whole.length - 1);
      if (!where || (where.of ?? path) !== path || (name === "Cause") !== (bracket === "{")) continue;
      const declares = given.some((argument) => /^(const|ErrorCode|bool|Napi)\b(?!::)|^env$/.test(argument));
      const line = text.slice(0, found.index).split("\n").length;
      const place = `${path}:${line}`;
      const reason = literal(given[where.reason]);
      const pattern = literal(given[where.pattern]);
      if (reason !== null && pattern !== null) {
        if (handsOn.test(path) && name === "Error") continue;
        thrown.push({ reason, pattern, place, args: [...namesOf(given[where.args]), ...(where.own ?? [])].sort() });
      } else if (!declares && !handsOn.test(path) && !isHandedOn(given[where.reason])) unreadable.push(place);
    }
  }
  return { thrown, unreadable };
}

// `reason` is the parameter of a function whose calls are read instead.
const isHandedOn = (reason: string | undefined) => reason === "reason";

/** The reasons of errors that the TypeScript face throws itself. */
export function nativeReasons(): string[] {
  const face = fileURLToPath(new URL("../../../packages/engine/src", import.meta.url));
  return readdirSync(face, { recursive: true, encoding: "utf8" })
    .filter((path) => /(?<!\.test)\.ts$/.test(path))
    .flatMap((path) => [
      ...readFileSync(join(face, path), "utf8").matchAll(/new EngineError\(\s*"ENGINE_\w+",\s*"(\w+)"/g),
    ])
    .map(([, reason = ""]) => reason);
}
