import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ServiceError, say, type Words, withAttempt, wordsOfError } from "@anneal/contracts";
import { seal, sha256OfFile, unseal } from "@anneal/data";
import { z } from "zod";
import { requireAttempt, syncDirectory } from "./attempt-lock.ts";
import { writeDurably } from "./files.ts";

// checkpoints/step-000000120-e000000003/ holds state.safetensors (the engine's), cursor.json and, written last, manifest.json
// with the SHA-256 of both. The folder appears under its name by one rename; the attempt's number in the name keeps a
// stale attempt from ever replacing a newer one's.

const Plateau = z.object({ best: z.number().nullable(), bad: z.int(), cooling: z.int(), factor: z.number() });
export const Cursor = z.object({
  step: z.int().nonnegative(), // optimizer steps done; the next is this 0-based one
  totalSteps: z.int().positive(),
  tokensSeen: z.number(),
  supervisedSeen: z.number(),
  rowsSeen: z.number(),
  lossEma: z.number().nullable(),
  trainSeconds: z.number(),
  best: z.object({ step: z.int(), loss: z.number() }).nullable(),
  lastEvaluation: z
    .object({
      step: z.int(),
      loss: z.number().nullable(),
      exactMatch: z.number().nullable(),
      adapter: z.string().nullable().default(null), // side by side: whose figures these are, the best one's
    })
    .nullable(),
  // The engine counts only steps that were trained; after a batch was left out it stands behind `step`.
  engineStep: z.int().nonnegative().nullable().default(null), // null: as `step`
  plateau: Plateau.default({ best: null, bad: 0, cooling: 0, factor: 1 }),
  plateaus: z.record(z.string(), Plateau).default({}), // of adapters side by side, by name
  stopping: z
    .object({ best: z.number().nullable(), bad: z.int(), stopped: z.boolean() })
    .default({ best: null, bad: 0, stopped: false }),
  guard: z
    .object({
      skippedInRow: z.int(),
      rollbacks: z.int(),
      rollbackTo: z.int().nullable(), // the checkpoint to go back to: of a step that every attempt saves at
    })
    .default({ skippedInRow: 0, rollbacks: 0, rollbackTo: null }),
});
export type Cursor = z.infer<typeof Cursor>;

const manifestFields = {
  step: z.int(),
  attempt: z.int(),
  createdAt: z.string(),
  files: z.record(z.string().regex(/^[a-z.]+$/), z.strictObject({ sha256: z.string(), bytes: z.int() })),
};
// Sealed since version 2: it proves itself. Versions 1 and 2 say `epoch` for the attempt.
const Manifest = z.object({ version: z.union([z.literal(2), z.literal(3)]), ...manifestFields });
const OldManifest = z.strictObject({ version: z.literal(1), ...manifestFields });

function readManifest(path: string): Omit<z.infer<typeof Manifest>, "version"> {
  const text = readFileSync(join(path, "manifest.json"), "utf8");
  const sealed = unseal(text);
  const manifest = sealed ? Manifest.parse(withAttempt(sealed)) : OldManifest.safeParse(withAttempt(jsonOf(text))).data;
  if (!manifest) throw new ServiceError("INTERNAL", say`${path}: the manifest has been changed`);
  if (basename(path) !== nameOf(manifest.step, manifest.attempt))
    throw new ServiceError("INTERNAL", say`${path}: the manifest is of step ${manifest.step}`);
  return manifest;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export interface Checkpoint {
  path: string;
  step: number;
  attempt: number;
  cursor: Cursor;
  digest: string; // of state.safetensors
  bytes: number;
}

const folderName = /^step-(\d{9})-e(\d{9})$/;
const nameOf = (step: number, attempt: number) =>
  `step-${String(step).padStart(9, "0")}-e${String(attempt).padStart(9, "0")}`;
export const statePath = (checkpoint: { path: string }) => join(checkpoint.path, "state.safetensors");

/** Reads a checkpoint and proves every byte of it against its manifest; throws with what is wrong. */
export async function verifyCheckpoint(path: string): Promise<Checkpoint> {
  const manifest = readManifest(path);
  for (const name of ["state.safetensors", "cursor.json"]) {
    const entry = manifest.files[name];
    if (!entry) throw new ServiceError("INTERNAL", say`${path}: the manifest lacks ${name}`);
    const { size } = statSync(join(path, name));
    if (size !== entry.bytes)
      throw new ServiceError("INTERNAL", say`${path}: ${name} has ${size} bytes, not ${entry.bytes}`);
    const digest = await sha256OfFile(join(path, name));
    if (digest !== entry.sha256)
      throw new ServiceError("INTERNAL", say`${path}: ${name} has been changed (SHA-256 ${digest})`);
  }
  const cursor = Cursor.parse(JSON.parse(readFileSync(join(path, "cursor.json"), "utf8")));
  const state = manifest.files["state.safetensors"];
  return {
    path,
    step: manifest.step,
    attempt: manifest.attempt,
    cursor,
    digest: `sha256:${state?.sha256}`,
    bytes: state?.bytes ?? 0,
  };
}

export class CheckpointStore {
  private readonly folder: string;
  constructor(
    private readonly runDirectory: string,
    private readonly attempt: number,
    private readonly fenced: boolean,
  ) {
    this.folder = join(runDirectory, "checkpoints");
    mkdirSync(this.folder, { recursive: true });
    // What killed attempts left half-written. Only theirs: a newer attempt's must not be touched.
    for (const name of readdirSync(this.folder)) {
      const owner = /^tmp-e(\d{9})-/.exec(name)?.[1];
      if (owner && Number(owner) < attempt) rmSync(join(this.folder, name), { recursive: true, force: true });
    }
  }

  private guard(): void {
    if (this.fenced) requireAttempt(this.runDirectory, this.attempt);
  }

  private list(): { step: number; attempt: number; path: string }[] {
    return readdirSync(this.folder)
      .map((name) => ({ match: folderName.exec(name), name }))
      .flatMap(({ match, name }) =>
        match ? [{ step: Number(match[1]), attempt: Number(match[2]), path: join(this.folder, name) }] : [],
      )
      .sort((a, b) => b.step - a.step || b.attempt - a.attempt);
  }

  /** Whether a checkpoint of that step, of any attempt, is kept. */
  has(step: number): boolean {
    return this.list().some((one) => one.step === step);
  }

  /** `writeState` saves the engine's state to the path it gets and says the SHA-256 (hex) and size. */
  async save(
    cursor: Cursor,
    writeState: (path: string) => Promise<{ sha256: string; bytes: number }>,
  ): Promise<Checkpoint> {
    const target = join(this.folder, nameOf(cursor.step, this.attempt));
    if (existsSync(target)) return verifyCheckpoint(target);
    this.guard();
    const temporary = join(this.folder, `tmp-e${String(this.attempt).padStart(9, "0")}-${cursor.step}`);
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    const state = await writeState(join(temporary, "state.safetensors"));
    const cursorText = JSON.stringify(cursor);
    writeDurably(join(temporary, "cursor.json"), cursorText);
    const manifest: z.infer<typeof Manifest> = {
      version: 3,
      step: cursor.step,
      attempt: this.attempt,
      createdAt: new Date().toISOString(),
      files: {
        "state.safetensors": state,
        "cursor.json": {
          sha256: await sha256OfFile(join(temporary, "cursor.json")),
          bytes: Buffer.byteLength(cursorText),
        },
      },
    };
    writeDurably(join(temporary, "manifest.json"), seal(manifest));
    syncDirectory(temporary);
    this.guard();
    renameSync(temporary, target);
    syncDirectory(this.folder);
    return {
      path: target,
      step: cursor.step,
      attempt: this.attempt,
      cursor,
      digest: `sha256:${state.sha256}`,
      bytes: state.bytes,
    };
  }

  /** The newest checkpoint whose every byte is right; a damaged one is set aside and told of. */
  async newest(onDamaged: (message: Words) => void): Promise<Checkpoint | null> {
    for (const { path, attempt } of this.list()) {
      if (attempt > this.attempt) continue;
      try {
        return await verifyCheckpoint(path);
      } catch (error) {
        onDamaged(wordsOfError(error));
        this.guard();
        renameSync(path, `${path}.damaged-${Date.now()}`);
      }
    }
    return null;
  }

  /** The newest checkpoint of that step, every byte proven; null where none is kept. */
  async ofStep(step: number): Promise<Checkpoint | null> {
    const found = this.list().find((one) => one.step === step && one.attempt <= this.attempt);
    return found ? verifyCheckpoint(found.path) : null;
  }

  /** Removes all but the newest `keepLast` steps and those named. Returns the steps that are gone. */
  prune(keepLast: number, named: readonly (number | null)[]): number[] {
    this.guard();
    const all = this.list();
    const steps = [...new Set(all.map(({ step }) => step))];
    const kept = new Set(steps.slice(0, keepLast));
    for (const step of named) if (step !== null) kept.add(step);
    for (const { step, path } of all) if (!kept.has(step)) rmSync(path, { recursive: true, force: true });
    return steps.filter((step) => !kept.has(step)).sort((a, b) => a - b);
  }
}
