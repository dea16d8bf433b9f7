import { z } from "zod";
import { strict } from "./strict.ts";
import { wellFormedText } from "./text.ts";

// Ids are UUIDv7 texts: they sort by time of creation.
export const Id = z.uuid();
export type Id = z.infer<typeof Id>;

// A digest names content: an artifact, a dataset version, a GGUF blob. Nothing else may become a path.
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must look like sha256: and 64 lower-case hex digits");
export type Digest = z.infer<typeof Digest>;

// A name a person gives: letters of any script, digits, and marks a sentence has; never a path, a tag or a control character.
// \p{P} and \p{S} without / \\ @ < >: a version is NAME@NUMBER, and names stand in paths of downloads.
export const DisplayName = wellFormedText()
  .trim()
  .min(1, "must not be empty")
  .max(80, "must have at most 80 characters")
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M} ]|(?![/\\@<>])[\p{P}\p{S}])*$/u,
    "must begin with a letter or a digit, and may not hold / \\ @ < > or control characters",
  );
export type DisplayName = z.infer<typeof DisplayName>;

export const IsoTime = z.iso.datetime({ offset: true });
export type IsoTime = z.infer<typeof IsoTime>;

export const Bytes = z.int().nonnegative();

/** What people call the things behind ids: name by id, for the ids that stand in the same answer. */
export const Names = z.record(z.string(), z.string());
export type Names = z.infer<typeof Names>;

// Cursor pages: newest first; `cursor` is the id of the last row seen. tRPC's infinite queries say a direction, too.
export const PageInput = strict({
  cursor: Id.optional(),
  direction: z.literal("forward").optional(),
  limit: z.int().min(1).max(200).default(50),
});
export type PageInput = z.infer<typeof PageInput>;
export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), nextCursor: Id.nullable() });
