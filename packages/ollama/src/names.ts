import { type Phrase, say } from "@anneal/contracts";
import { OllamaError } from "./error.ts";

export interface ModelName {
  host: string;
  namespace: string;
  model: string;
  tag: string;
}

export const defaultNameParts = { host: "registry.ollama.ai", namespace: "library", tag: "latest" } as const;

const partRules: Record<keyof ModelName, { max: number; allowed: RegExp }> = {
  host: { max: 350, allowed: /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/ },
  namespace: { max: 80, allowed: /^[A-Za-z0-9_][A-Za-z0-9_-]*$/ },
  model: { max: 80, allowed: /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/ },
  tag: { max: 80, allowed: /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/ },
};

// Splits `[scheme://][host/][namespace/]model[:tag]` and fills in the defaults, without judging the parts.
export function splitModelName(text: string): ModelName {
  let rest = text;
  let tag: string = defaultNameParts.tag;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
  }
  const modelAt = rest.lastIndexOf("/");
  const model = rest.slice(modelAt + 1);
  if (modelAt < 0) return { ...defaultNameParts, model, tag };
  rest = rest.slice(0, modelAt);
  const namespaceAt = rest.lastIndexOf("/");
  const namespace = rest.slice(namespaceAt + 1);
  if (namespaceAt < 0) return { ...defaultNameParts, namespace, model, tag };
  const host = rest.slice(0, namespaceAt).replace(/^[^:/]*:\/\//, "");
  return { host, namespace, model, tag };
}

export function invalidNamePart(name: ModelName): { part: keyof ModelName; reason: Phrase } | null {
  for (const part of ["host", "namespace", "model", "tag"] as const) {
    const value = name[part];
    const { max, allowed } = partRules[part];
    if (value === "") return { part, reason: say`is empty` };
    if (value.length > max) return { part, reason: say`is longer than ${max} characters` };
    if (/^[.-]/.test(value)) return { part, reason: say`must not begin with "." or "-"` };
    if (!allowed.test(value)) {
      const punctuation = part === "namespace" ? "_ -" : part === "host" ? "_ - . :" : "_ - .";
      return { part, reason: say`may hold only letters, digits and ${punctuation}` };
    }
  }
  return null;
}

export function isValidModelName(text: string): boolean {
  return invalidNamePart(splitModelName(text)) === null;
}

// Reads a name as Ollama does; throws OLLAMA_NAME_INVALID naming the part.
export function parseModelName(text: string): ModelName {
  const name = splitModelName(text);
  const bad = invalidNamePart(name);
  if (bad)
    throw new OllamaError(
      "OLLAMA_NAME_INVALID",
      say`model name ${JSON.stringify(text)}: the ${bad.part} ${bad.reason}`,
      {
        remedy: say`write NAME, NAME:TAG or NAMESPACE/NAME:TAG with letters, digits, . _ -`,
        data: { part: bad.part },
      },
    );
  return name;
}

// The form that /api/tags lists: defaults left out, the tag always there.
export function displayModelName(name: ModelName): string {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const tail = `${name.model}:${name.tag}`;
  if (!same(name.host, defaultNameParts.host)) return `${name.host}/${name.namespace}/${tail}`;
  if (!same(name.namespace, defaultNameParts.namespace)) return `${name.namespace}/${tail}`;
  return tail;
}

// Ollama looks names up without regard to letter case.
export function sameModelName(a: ModelName | string, b: ModelName | string): boolean {
  const key = (name: ModelName | string) =>
    displayModelName(typeof name === "string" ? splitModelName(name) : name).toLowerCase();
  return key(a) === key(b);
}

export const withTag = (name: ModelName, tag: string): ModelName => ({ ...name, tag });
