import { realpath, stat } from "node:fs/promises";
import { isAbsolute, resolve, sep } from "node:path";
import { ServiceError, say, type Words } from "@anneal/contracts";

const refused = (path: string, why: Words, remedy: Words, cause?: unknown) =>
  new ServiceError("INVALID_INPUT", say`path: ${path} ${why}`, { field: "path", remedy, cause });

export const isBelow = (path: string, folder: string) =>
  path === folder || path.startsWith(folder + (folder.endsWith(sep) ? "" : sep));

/** The real path of a plain file below one of the folders, with every link followed; anything else is refused. */
export async function allowedFile(folders: readonly string[], path: string): Promise<string> {
  if (folders.length === 0)
    throw refused(path, say`cannot be read: no folder is allowed`, say`set ANNEAL_DATA_DIRS, or upload the file`);
  const list = folders.join(", ");
  if (!isAbsolute(path) || path.includes("\0"))
    throw refused(JSON.stringify(path), say`is not absolute`, say`name a file below ${list}`);
  // Before anything is touched: what lies outside must not even be told apart from what does not exist.
  const roots = await Promise.all(folders.map((folder) => realpath(folder).catch(() => resolve(folder))));
  const outside = () => refused(path, say`is outside the allowed folders`, say`choose a file below ${list}`);
  if (![...folders.map((folder) => resolve(folder)), ...roots].some((root) => isBelow(resolve(path), root)))
    throw outside();
  const real = await realpath(path).catch((cause: unknown) => {
    throw refused(path, say`does not exist or cannot be read`, say`check the name and its permissions`, cause);
  });
  if (!roots.some((root) => isBelow(real, root))) throw outside();
  if (!(await stat(real)).isFile()) throw refused(path, say`is not a plain file`, say`choose a file`);
  return real;
}
