import { ServiceError } from "../errors.ts";
import { say } from "../phrase/phrase.ts";
import { withoutUnknown } from "../strict.ts";
import { ReadRunSpec, type RunSpec, RunSpecFields } from "./run-spec.ts";

// A run's spec outlives the version that wrote it. It is stored with the version of its form, read through the migrations that
// came since, and held to the fields alone: a rule of today must not make a paused run unreadable.

/** Raise it when a field is renamed, gets another meaning or another default, and add the migration that keeps the old one. */
export const specVersion = 1;

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value with what it lacks, at any depth; what it says itself stays. */
function filled(value: Fields, missing: Fields): Fields {
  const out = { ...value };
  for (const [name, other] of Object.entries(missing)) {
    const own = out[name];
    if (own === undefined) out[name] = other;
    else if (isFields(own) && isFields(other)) out[name] = filled(own, other);
  }
  return out;
}

const kindOf = (value: unknown): unknown => (isFields(value) ? value.kind : undefined);

const methodFields = (method: unknown): Fields =>
  kindOf(method) === "full"
    ? { freeze: [] }
    : { rsLora: false, dora: false, loraPlusRatio: 1, dropout: 0, startFrom: null };

function objectiveFields(objective: unknown): Fields {
  if (objective === undefined) return { kind: "sft", labelSmoothing: 0, zLoss: 0 };
  return kindOf(objective) === "distill" ? { teacherFile: null } : {};
}

// What fields that came before versions were counted meant where they were absent.
function numbered(spec: Fields): Fields {
  // It was a switch: on is "full".
  const checkpointing = { true: "full", false: "off" }[String(spec.gradientCheckpointing)];
  return filled(checkpointing ? { ...spec, gradientCheckpointing: checkpointing } : spec, {
    ...(spec.method === undefined ? {} : { method: methodFields(spec.method) }),
    adapters: [],
    objective: objectiveFields(spec.objective),
    baseStorage: "dense",
    schedule: {
      minRatio: 0,
      cycles: 2,
      power: 2,
      decayShare: 0.1,
      factor: 0.5,
      patience: 2,
      cooldown: 0,
      threshold: 1e-4,
    },
    lengthGrouping: false,
    neftuneAlpha: 0,
    sourceWeights: {},
    routerAuxWeight: 0,
    earlyStopping: null,
    guards: { nonFinite: true, spikeFactor: null, maxRollbacks: 2 },
    checkpoints: { restoreBest: false },
    export: { adapter: null },
  });
}

/** From each version to the next; the first takes specs that were stored without one. */
const migrations: ((spec: Fields) => Fields)[] = [numbered];

/** As it lies in the database: read it with `readStoredSpec`. */
export type StoredSpec = Fields;

export const storeSpec = (spec: RunSpec): StoredSpec => ({ ...spec, specVersion });

/** A spec that was stored, maybe by another version: older ones are migrated, fields that are no more are passed over. */
export function readStoredSpec(stored: StoredSpec): RunSpec {
  const { specVersion: written = 0, ...spec } = stored;
  const from = Number(written);
  if (!Number.isInteger(from) || from < 0 || from > specVersion)
    throw new ServiceError(
      "UNSUPPORTED",
      say`the run's spec has version ${String(written)}, this Anneal reads up to ${specVersion}`,
      { field: "spec", remedy: say`update this Anneal to the one that wrote it` },
    );
  const migrated = migrations.slice(from).reduce((value, migrate) => migrate(value), spec);
  return ReadRunSpec.parse(withoutUnknown(RunSpecFields, migrated));
}
