import { RunSpec, type RunSpecInput } from "@anneal/contracts";
import { kindDefaults } from "./kinds.ts";
import { sameValue } from "./paths.ts";
import { defaultSpec } from "./spec-form.ts";

type Plain = Record<string, unknown>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function difference(value: Plain, base: Plain): Plain {
  const out: Plain = {};
  for (const [key, mine] of Object.entries(value)) {
    const theirs = base[key];
    if (sameValue(mine, theirs)) continue;
    out[key] = isPlain(mine) && isPlain(theirs) ? difference(mine, theirs) : mine;
  }
  return out;
}

/** The shortest input that parses to this spec: base and dataset, and what differs from the defaults. */
export function shortSpec(spec: RunSpec): RunSpecInput {
  const { base, dataset, name, method, objective, optimizer, publish, ...rest } = spec;
  const {
    base: _base,
    dataset: _dataset,
    method: _method,
    objective: _objective,
    optimizer: _optimizer,
    publish: _publish,
    ...defaults
  } = defaultSpec;
  const short: Plain = { ...(name === undefined ? {} : { name }), base, dataset };
  for (const [field, value] of Object.entries({ method, objective, optimizer })) {
    const changed = difference(value, kindDefaults(field as "method" | "objective" | "optimizer", value.kind));
    const isUsual = value.kind === defaultSpec[field as "method"].kind;
    if (!isUsual || Object.keys(changed).length > 0) short[field] = { kind: value.kind, ...changed };
  }
  Object.assign(short, difference(rest, defaults));
  // Epochs follow from steps where they are not said, so that one epoch beside steps must be.
  if (spec.epochs === null) delete short.epochs;
  else if (spec.maxSteps !== null) short.epochs = spec.epochs;
  if (publish) short.publish = { name: publish.name, ...difference({ ...publish }, publishDefaults(publish.name)) };
  return short as RunSpecInput;
}

const publishDefaults = (name: string): Plain => ({
  ...RunSpec.parse({ base: "/any", dataset: defaultSpec.dataset, publish: { name } }).publish,
});
