import { ServiceError, say, type TrainerStart } from "@anneal/contracts";
import { type DatasetReader, openVersion } from "@anneal/data";

/** A version's file, opened when a row of it is needed: what is in the cache is read without it, though the file be gone. */
export class LazyVersion {
  private reader: Promise<DatasetReader> | null = null;
  constructor(private readonly version: TrainerStart["dataset"]) {}

  open(): Promise<DatasetReader> {
    this.reader ??= openChecked(this.version);
    return this.reader;
  }

  async close(): Promise<void> {
    await this.reader?.then(
      (reader) => reader.close(),
      () => undefined, // it could not be opened, and whoever asked was told
    );
  }
}

async function openChecked(version: TrainerStart["dataset"]): Promise<DatasetReader> {
  const reader = await openVersion(version.path);
  if (reader.rows === version.rows) return reader;
  await reader.close();
  throw new ServiceError(
    "CONFLICT",
    say`the dataset file ${version.path} has ${reader.rows} [row|rows], not ${version.rows}`,
    {
      field: "dataset",
      remedy: say`import the dataset again`,
    },
  );
}
