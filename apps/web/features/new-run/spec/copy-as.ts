import type { RunSpec } from "@anneal/contracts";
import { stringify } from "yaml";
import { shortSpec } from "./difference.ts";

/** One word for a POSIX shell, whatever the text holds. */
export function shellWord(text: string): string {
  if (text !== "" && /^[A-Za-z0-9_@%+:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function specAsYaml(spec: RunSpec): string {
  return stringify(shortSpec(spec), { lineWidth: 0, defaultStringType: "PLAIN", defaultKeyType: "PLAIN" });
}

const endMark = "ANNEAL_SPEC";

// The spec goes in by a here-document whose mark is quoted: the shell changes nothing in it. The mark moves out of the way
// of a text that holds it.
export function specAsCli(spec: RunSpec): string {
  const yaml = specAsYaml(spec);
  let mark = endMark;
  const lines = new Set(yaml.split("\n"));
  for (let i = 2; lines.has(mark); i++) mark = `${endMark}_${i}`;
  return `./anneal run create --spec - <<'${mark}'\n${yaml}${mark}\n`;
}

export function specAsTypeScript(spec: RunSpec, origin: string): string {
  return `import { createAnnealClient } from "@anneal/sdk";

const anneal = createAnnealClient({ url: ${JSON.stringify(origin)}, token: process.env.ANNEAL_TOKEN });
const run = await anneal.runs.create.mutate({
  spec: ${literal(shortSpec(spec), 1)},
});
console.log(run.id);
`;
}

// JSON is TypeScript; keys lose their quotes where they are names.
function literal(value: unknown, depth: number): string {
  const pad = "  ".repeat(depth + 1);
  const end = "  ".repeat(depth);
  if (Array.isArray(value)) {
    const items = value.map((item) => literal(item, depth + 1));
    const flat = `[${items.join(", ")}]`;
    return flat.length <= 90 && !flat.includes("\n")
      ? flat
      : `[\n${items.map((item) => `${pad}${item},`).join("\n")}\n${end}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(
      ([key, item]) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${literal(item, depth + 1)}`,
    );
    if (entries.length === 0) return "{}";
    const flat = `{ ${entries.join(", ")} }`;
    return depth > 1 && flat.length <= 80 && !flat.includes("\n")
      ? flat
      : `{\n${entries.map((entry) => `${pad}${entry},`).join("\n")}\n${end}}`;
  }
  return JSON.stringify(value);
}
