import { z } from "zod";
import { Digest, Id } from "../ids.ts";
import { wellFormedText } from "../text.ts";
import { BaseSource } from "./base-model.ts";

// What the names in a spec stood for when the run was planned. It is resolved once and lies on the run's row: plan, trainer and
// publication start from it, and content that has changed since is refused.

/** Sizes and times by which files that were hashed are known again. */
export const FileStamp = z.object({ name: z.string(), bytes: z.number(), modified: z.number() });
export type FileStamp = z.infer<typeof FileStamp>;

export const PinnedModel = z.object({
  name: wellFormedText(),
  source: BaseSource,
  digest: Digest, // of the GGUF file, or of the list of a folder's digests
  files: z.array(FileStamp), // empty: the digest is Ollama's own
});
export type PinnedModel = z.infer<typeof PinnedModel>;

export const PinnedVersion = z.object({ id: Id, digest: z.string(), rows: z.int() });

export const RunInputs = z.object({
  base: PinnedModel,
  dataset: PinnedVersion,
  evaluation: PinnedVersion.nullable(),
  adapter: z.string().nullable(), // the PEFT folder to start from
  adapters: z.record(z.string(), z.string()), // the same of those trained side by side, by name
  adapterDigest: Digest.nullable(), // of the list of all their files' digests
  teacher: PinnedModel.nullable(),
  teacherFile: z.object({ id: Id, digest: Digest }).nullable(),
});
export type RunInputs = z.infer<typeof RunInputs>;
