import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ServiceError, say, type TrainerStart } from "@anneal/contracts";
import { z } from "zod";
import { replaceFile, sha256OfFile } from "../run-directory/files.ts";

const Note = z.object({
  digest: z.string(),
  files: z.array(z.object({ name: z.string(), bytes: z.number(), modified: z.number() })),
});
const baseFile = /\.(safetensors|json|model)$/;

function filesOf(base: TrainerStart["base"]): string[] {
  if (base.kind === "gguf") return [base.path];
  return readdirSync(base.dir)
    .filter((name) => baseFile.test(name))
    .sort()
    .map((name) => join(base.dir, name));
}

/**
 * The SHA-256 of the base model, and the proof that it is the one this run began with: a run that goes on from a checkpoint
 * over other weights would end in nonsense. Hashed once a run; later attempts only look at sizes and times.
 */
export async function verifyBase(start: TrainerStart, onFile: (name: string) => void): Promise<string> {
  const { base, runDirectory } = start;
  const gone = (cause?: unknown) =>
    new ServiceError("NOT_FOUND", say`the base model ${start.baseName} is gone from its place`, {
      field: "base",
      remedy: say`put it back, then resume the run`,
      cause,
    });
  const paths = filesOf(base);
  if (paths.length === 0) throw gone();
  let files: z.infer<typeof Note>["files"];
  try {
    files = paths.map((path) => {
      const { size, mtimeMs } = statSync(path);
      return { name: basename(path), bytes: size, modified: mtimeMs };
    });
  } catch (error) {
    throw gone(error);
  }
  const notePath = join(runDirectory, "base.json");
  const known = existsSync(notePath) ? Note.parse(JSON.parse(readFileSync(notePath, "utf8"))) : null;
  if (known && JSON.stringify(known.files) === JSON.stringify(files)) return known.digest;

  const hash = createHash("sha256");
  let single = "";
  for (const path of paths) {
    onFile(basename(path));
    single = await sha256OfFile(path);
    hash.update(`${basename(path)}\0${single}\n`);
  }
  // One file is known by its own digest, as Ollama and the registry know it; a folder by that of its list of digests.
  const digest = `sha256:${base.kind === "gguf" ? single : hash.digest("hex")}`;
  const told = base.kind === "gguf" ? (start.baseDigest?.replace(/^(sha256[:-])?/, "sha256:") ?? null) : null;
  const expected = known?.digest ?? told;
  if (expected && expected !== digest)
    throw new ServiceError("CONFLICT", say`the base model ${start.baseName} has changed: ${digest}, not ${expected}`, {
      field: "base",
      remedy: say`start a new run on the changed model, or put the old file back`,
    });
  replaceFile(notePath, JSON.stringify({ digest, files } satisfies z.infer<typeof Note>));
  return digest;
}
