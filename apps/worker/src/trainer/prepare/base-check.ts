import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ServiceError, say, type TrainerStart, type Words } from "@anneal/contracts";
import { adapterFiles, digestOfFiles, fileStamps, modelFiles, seal, unseal } from "@anneal/data";
import { z } from "zod";
import { replaceFile } from "../../run-directory/files.ts";

const Note = z.object({
  digest: z.string(),
  files: z.array(z.object({ name: z.string(), bytes: z.number(), modified: z.number() })),
});

/** A note that was altered says nothing: the base is hashed again. */
function readNote(text: string): z.infer<typeof Note> | null {
  const sealed = unseal(text);
  if (sealed) return Note.parse(sealed);
  try {
    return Note.strict().parse(JSON.parse(text)); // of an older Anneal
  } catch {
    return null;
  }
}

interface Proof {
  paths: string[];
  note: string; // the file in the run's folder that keeps the proof
  field: string;
  what: Words;
  told: string | null; // the digest that is known from elsewhere
  single: boolean; // one file is known by its own digest, several by that of their list
}

/**
 * The SHA-256 of files that a run starts from, and the proof that they are those it began with: a run that goes on from a checkpoint over
 * others would end in nonsense. Hashed once a run; later attempts only look at sizes and times.
 */
async function verify(runDirectory: string, proof: Proof, onFile: (name: string) => void): Promise<string> {
  const { paths, field, what } = proof;
  const gone = (cause?: unknown) =>
    new ServiceError("NOT_FOUND", say`${what} is gone from its place`, {
      field,
      remedy: say`put it back, then resume the run`,
      cause,
    });
  if (paths.length === 0) throw gone();
  let files: z.infer<typeof Note>["files"];
  try {
    files = fileStamps(paths);
  } catch (error) {
    const { code, path = "" } = error as NodeJS.ErrnoException;
    if (code !== "ENOTREG") throw gone(error);
    throw new ServiceError("INVALID_INPUT", say`${field}: ${say`${path} is no regular file`}`, {
      field,
      remedy: say`remove it from the folder, or put the original file in its place`,
    });
  }
  const notePath = join(runDirectory, proof.note);
  const known = existsSync(notePath) ? readNote(readFileSync(notePath, "utf8")) : null;
  if (known && JSON.stringify(known.files) === JSON.stringify(files)) return known.digest;

  const digest = await digestOfFiles(paths, proof.single, onFile);
  const expected = known?.digest ?? proof.told;
  if (expected && expected !== digest)
    throw new ServiceError("CONFLICT", say`${what} has changed: ${digest}, not ${expected}`, {
      field,
      remedy: say`start a new run on what has changed, or put the old files back`,
    });
  replaceFile(notePath, seal({ digest, files } satisfies z.infer<typeof Note>));
  return digest;
}

function filesOf(source: TrainerStart["base"]): string[] {
  try {
    return modelFiles(source);
  } catch {
    return []; // gone
  }
}

const digestText = (digest: string | null): string | null => digest?.replace(/^(sha256[:-])?/, "sha256:") ?? null;

/** The base model is the one this run was planned on; its SHA-256. */
export function verifyBase(start: TrainerStart, onFile: (name: string) => void): Promise<string> {
  const { base, baseDigest, runDirectory } = start;
  const what = say`the base model ${start.baseName}`;
  const single = base.kind === "gguf";
  const told = digestText(baseDigest);
  return verify(runDirectory, { paths: filesOf(base), note: "base.json", field: "base", what, told, single }, onFile);
}

/** The teacher in memory is the one this run was planned with. */
export async function verifyTeacher(start: TrainerStart, onFile: (name: string) => void): Promise<void> {
  const { teacher, teacherDigest, runDirectory } = start;
  if (!teacher) return;
  const paths = filesOf(teacher);
  const single = teacher.kind === "gguf";
  const told = digestText(teacherDigest);
  const what = say`the teacher`;
  await verify(runDirectory, { paths, note: "teacher.json", field: "objective.teacher", what, told, single }, onFile);
}

/** The adapters that the run goes on from are those it was planned with; the SHA-256 of all, null where it starts with fresh ones alone. */
export async function verifyStarts(start: TrainerStart, onFile: (name: string) => void): Promise<string | null> {
  const { adapter, adapters, adapterDigest: told, runDirectory } = start;
  const paths = adapterFiles([...(adapter ? [adapter] : []), ...Object.values(adapters)]);
  if (paths.length === 0) return null;
  const what = say`the adapter to continue from`;
  const field = adapter ? "method.startFrom" : "adapters";
  return verify(runDirectory, { paths, note: "starts.json", field, what, told, single: false }, onFile);
}
