import spec from "./en/spec.json";

type Fields = { [name: string]: Fields | string };

function* labels(fields: Fields, prefix = ""): Generator<[path: string, label: string]> {
  for (const [name, inner] of Object.entries(fields)) {
    if (typeof inner === "string") continue;
    if (typeof inner.label === "string") yield [prefix + name, inner.label];
    else yield* labels(inner, `${prefix}${name}.`);
  }
}

const ofForm = new Map(labels(spec.fields));
// Words such as "seed" and "base" are English as they stand; the engine has names of its own.
const named = new Map([...ofForm].filter(([path]) => /[A-Z.]/.test(path)));
for (const [other, path] of [
  ["maxTokensPerMicroBatch", "microBatchTokens"],
  ["memoryBudgetBytes", "memoryBudgetGiB"],
  ["startFrom", "method.startFrom"],
] as const)
  named.set(other, ofForm.get(path) ?? path);

const paths = [...named.keys()].sort((a, b) => b.length - a.length).map((path) => path.replaceAll(".", "\\."));
const leading = new RegExp(`^(?:${paths.join("|")}): `);
const anywhere = new RegExp(`(?<![\\w.])(?:${paths.join("|")})(?!\\w)`, "g");

/** A sentence of the API as the English console says it: fields of a spec by their labels, the one it is shown at left out. */
export const withLabels = (pattern: string): string =>
  pattern.replace(leading, "").replace(anywhere, (path) => `“${named.get(path)}”`);
