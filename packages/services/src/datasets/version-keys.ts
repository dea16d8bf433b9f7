import type { DatasetRow } from "@anneal/contracts";
import { type DatasetReader, openVersion, type RowKeys, rowKeys, rowKeysOf } from "@anneal/data";
import { Remembered } from "../remembered.ts";
import type { VersionRow } from "./find-version.ts";

// Versions are immutable, and the form asks after every change.
const remembered = new Remembered<RowKeys>(4);

/** All rows of a version; their keys are gathered on the way where they are not known, so that a plan reads the rows once. */
export async function* withKeys(version: VersionRow, reader: DatasetReader): AsyncGenerator<DatasetRow> {
  if (remembered.has(version.digest)) {
    yield* reader.all();
    return;
  }
  const gathered = rowKeysOf(reader.rows);
  for await (const row of reader.all()) {
    gathered.add(row);
    yield row;
  }
  remembered.set(version.digest, gathered.keys);
}

async function readKeys({ path }: VersionRow): Promise<RowKeys> {
  const reader = await openVersion(path);
  try {
    return await rowKeys(reader.all(), reader.rows);
  } finally {
    await reader.close();
  }
}

export const keysOf = (version: VersionRow): Promise<RowKeys> => remembered.of(version.digest, () => readKeys(version));
