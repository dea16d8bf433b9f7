import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { ColumnMapping, DatasetFormat, type UploadInspection, wellFormedText } from "@anneal/contracts";
import { z } from "zod";
import type { ServiceContext } from "../context.ts";
import { parseInput, requirePermission } from "../verb.ts";
import { storeBody } from "./upload-file.ts";
import { makeUpload } from "./upload-row.ts";

const Input = z.object({
  fileName: wellFormedText().min(1, "must not be empty").max(255, "must have at most 255 characters"),
  format: DatasetFormat.optional(),
  mapping: ColumnMapping.optional(),
});

/** The verb behind PUT /api/uploads: streams the body to a file, then looks at it. Expires unless it is committed. */
export async function receiveUpload(
  ctx: ServiceContext,
  input: z.input<typeof Input> & { body: AsyncIterable<Uint8Array>; maxBytes?: number; expectedBytes?: number },
): Promise<UploadInspection> {
  requirePermission(ctx.actor, "datasets:write");
  const { body, maxBytes, expectedBytes, ...rest } = input;
  const { fileName, format, mapping } = parseInput(Input, rest);
  const { path, bytes } = await storeBody(ctx.paths, body, { maxBytes, expectedBytes, signal: ctx.signal });
  try {
    const name = basename(fileName.replaceAll("\\", "/")) || "upload";
    return await makeUpload(ctx, { path, bytes, fileName: name, owned: true, format, mapping });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
