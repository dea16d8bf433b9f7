import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";
import { allowedFile } from "./allowed-path.ts";
import { makeUpload } from "./upload-row.ts";

/** A file that lies on the server already: looked at where it is, never copied nor deleted. */
export const importPath = verb(api.datasets.importPath, async (ctx, { path, format, mapping }) => {
  const real = await allowedFile(ctx.paths.dataDirectories, path);
  const { size } = await stat(real);
  return makeUpload(ctx, { path: real, bytes: size, fileName: basename(path), owned: false, format, mapping });
});
