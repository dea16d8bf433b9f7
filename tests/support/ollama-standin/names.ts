export interface Name {
  host: string;
  namespace: string;
  model: string;
  tag: string;
}

const defaults = { host: "registry.ollama.ai", namespace: "library", tag: "latest" };
const missing = "!MISSING!";

export function parseName(text: string): Name {
  let rest = text;
  let tag = "";
  const cut = (separator: string): { after: string; found: boolean } => {
    const at = rest.lastIndexOf(separator);
    if (at < 0) return { after: rest, found: false };
    const after = rest.slice(at + 1) || missing;
    rest = rest.slice(0, at) || missing;
    return { after, found: true };
  };
  if (rest.lastIndexOf(":") > rest.lastIndexOf("/")) tag = cut(":").after;
  const model = cut("/");
  if (!model.found) return { ...defaults, model: rest, tag: tag || defaults.tag };
  const namespace = cut("/");
  if (!namespace.found) return { ...defaults, namespace: rest, model: model.after, tag: tag || defaults.tag };
  const scheme = rest.indexOf("://");
  const host = scheme < 0 ? rest : rest.slice(scheme + 3);
  return {
    host: host || defaults.host,
    namespace: namespace.after,
    model: model.after,
    tag: tag || defaults.tag,
  };
}

const rules: [keyof Name, number, RegExp][] = [
  ["host", 350, /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/],
  ["namespace", 80, /^[A-Za-z0-9_][A-Za-z0-9_-]*$/],
  ["model", 80, /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/],
  ["tag", 80, /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/],
];

export const isValid = (name: Name): boolean =>
  rules.every(([part, max, rule]) => name[part].length <= max && rule.test(name[part]));

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export const fullName = (name: Name): string => `${name.host}/${name.namespace}/${name.model}:${name.tag}`;

export function shortName(name: Name): string {
  const tail = `${name.model}:${name.tag}`;
  if (!same(name.host, defaults.host)) return `${name.host}/${name.namespace}/${tail}`;
  return same(name.namespace, defaults.namespace) ? tail : `${name.namespace}/${tail}`;
}

// Each part takes the spelling that any existing name has for it.
export function existingSpelling(name: Name, existing: Iterable<Name>): Name {
  const spelled = { ...name };
  for (const other of existing)
    for (const part of ["host", "namespace", "model", "tag"] as const)
      if (same(other[part], spelled[part])) spelled[part] = other[part];
  return spelled;
}

export type NameFault = "required" | "conflict" | "invalid";
export class NameError extends Error {
  readonly fault: NameFault;
  constructor(fault: NameFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

export interface ModelRef {
  original: string;
  base: string;
  name: Name;
  cloud: boolean;
}

function sourceSuffix(text: string): { base: string; cloud: boolean; explicit: boolean } {
  const at = text.lastIndexOf(":");
  if (at >= 0) {
    const suffix = text.slice(at + 1).trim();
    const lower = suffix.toLowerCase();
    if (lower === "cloud") return { base: text.slice(0, at), cloud: true, explicit: true };
    if (lower === "local") return { base: text.slice(0, at), cloud: false, explicit: true };
    if (!suffix.includes("/") && lower.endsWith("-cloud"))
      return { base: text.slice(0, at + 1) + suffix.slice(0, -6), cloud: true, explicit: true };
  }
  return { base: text, cloud: false, explicit: false };
}

// A name as requests give it: the tags `local` and `cloud` say where the model is to run.
export function parseModelRef(raw: string): ModelRef {
  const text = raw.trim();
  if (text === "") throw new NameError("required", "model is required");
  const { base, cloud, explicit } = sourceSuffix(text);
  if (explicit && sourceSuffix(base).explicit)
    throw new NameError("conflict", `use either :local or :cloud, not both: ${JSON.stringify(text)}`);
  const name = parseName(base);
  if (!isValid(name)) throw new NameError("invalid", `unqualified name: ${fullName(name)}`);
  return { original: text, base, name, cloud };
}
