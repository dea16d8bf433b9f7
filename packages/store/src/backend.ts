import type { Words } from "@anneal/contracts";

export interface ObjectFacts {
  bytes: number;
  modifiedAt: Date;
}

export interface Range {
  start: number;
  end: number; // the last byte, included
}

/** Bytes under keys. A key appears whole or not at all; its bytes are held to their digest by `Store` above. */
export interface Backend {
  /** How people know it: a folder, or a bucket and its server. */
  readonly name: Words;
  /** What programs know it by: the same for every host that reaches the same bytes. */
  readonly location: string;
  /** Throws NOT_FOUND where there is no such key. */
  read(key: string, range: Range | null, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** A small object. `replace: false` keeps what is there already. */
  write(key: string, bytes: Uint8Array, options: { replace: boolean }): Promise<void>;
  /** A file as an object; refuses a file that has another digest by the time it is read. */
  writeFile(
    key: string,
    path: string,
    options: { sha256: string; replace: boolean; signal?: AbortSignal },
  ): Promise<void>;
  stat(key: string): Promise<ObjectFacts | null>;
  list(prefix: string): AsyncIterable<ObjectFacts & { key: string }>;
  remove(key: string): Promise<void>;
  /** The file that holds an object, where it is a file of this machine. */
  pathOf?(key: string): string;
}
