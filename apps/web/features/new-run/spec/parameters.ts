// Ollama's parameters as lines of a Modelfile without the word PARAMETER: `temperature 0.2`, `stop "<end>"`.
export type ParameterValue = number | string | boolean | string[];
export interface ParameterError {
  line: number;
  cause: "noValue" | "name" | "twice";
  text: string;
}
export type ParameterResult =
  | { ok: true; values: Record<string, ParameterValue> }
  | { ok: false; error: ParameterError };

export function parseParameters(text: string): ParameterResult {
  const values = new Map<string, ParameterValue>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "") continue;
    const fail = (cause: ParameterError["cause"]): ParameterResult => ({
      ok: false,
      error: { line: index + 1, cause, text: line.slice(0, 80) },
    });
    const match = /^(\S+)\s+(.+)$/.exec(line);
    if (!match) return fail("noValue");
    const [, name = "", rest = ""] = match;
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) return fail("name");
    if (name === "stop") {
      const before = values.get("stop");
      values.set("stop", [...(Array.isArray(before) ? before : []), textOf(rest)]);
      continue;
    }
    if (values.has(name)) return fail("twice");
    values.set(name, scalarOf(rest));
  }
  return { ok: true, values: Object.fromEntries(values) };
}

function scalarOf(text: string): number | string | boolean {
  if (text === "true" || text === "false") return text === "true";
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text))) return Number(text);
  return textOf(text);
}

// "..." may hold escapes as in JSON, so that a stop text can be a line break.
function textOf(text: string): string {
  if (text.length >= 2 && text.startsWith('"') && text.endsWith('"')) {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "string") return value;
    } catch {
      return text.slice(1, -1); // not JSON: the quotes are still only quotes
    }
  }
  return text;
}

export function formatParameters(values: Record<string, ParameterValue>): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (Array.isArray(value)) lines.push(...value.map((part) => `${name} ${JSON.stringify(part)}`));
    else lines.push(`${name} ${typeof value === "string" ? JSON.stringify(value) : value}`);
  }
  return lines.join("\n");
}
