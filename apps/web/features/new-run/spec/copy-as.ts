import type { RunSpec } from "@anneal/contracts";
import { parse, stringify } from "yaml";
import { shortSpec } from "./difference.ts";
import { leaves } from "./paths.ts";

/** One word for a POSIX shell, whatever the text holds. */
export function shellWord(text: string): string {
  if (text !== "" && /^[A-Za-z0-9_@%+:,./=-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function specAsYaml(spec: RunSpec): string {
  return stringify(shortSpec(spec), { lineWidth: 0, defaultStringType: "PLAIN", defaultKeyType: "PLAIN" });
}

// Fields with a flag of their own in the command line; everything else goes by --set PATH=VALUE, whose value is YAML, and
// JSON is that.
const flags: Record<string, string> = {
  base: "--base",
  dataset: "--dataset",
  name: "--name",
  "publish.name": "--publish",
  precision: "--precision",
  learningRate: "--learning-rate",
  epochs: "--epochs",
  batchRows: "--batch-rows",
  seed: "--seed",
};

/** `dataset`: how the command line names the version; its id where that is not known. */
export function specAsCli(spec: RunSpec, dataset: string | null = null): string {
  const { sourceWeights, ...short } = shortSpec(spec);
  const { publish } = short;
  // Names of parameters and sources may hold signs that a path may not.
  const { parameters, ...published } = publish ?? {};
  const parts = leaves({ ...short, ...(publish ? { publish: published } : {}) }).map(([path, value]) => {
    const flag = flags[path];
    if (path === "dataset" && dataset) return `${flag} ${shellWord(dataset)}`;
    return flag ? `${flag} ${shellWord(String(value))}` : `--set ${shellWord(`${path}=${plain(value)}`)}`;
  });
  if (sourceWeights) parts.push(`--set ${shellWord(`sourceWeights=${JSON.stringify(sourceWeights)}`)}`);
  if (parameters) parts.push(`--set ${shellWord(`publish.parameters=${JSON.stringify(parameters)}`)}`);
  return `./anneal run create \\\n${parts.map((part) => `  ${part}`).join(" \\\n")}\n`;
}

// Words such as `lora` need no quotes in YAML; whatever could read as something else is written as JSON.
const plain = (value: unknown) =>
  typeof value === "string" && /^[A-Za-z][A-Za-z_-]*$/.test(value) && parse(value) === value
    ? value
    : JSON.stringify(value);

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
