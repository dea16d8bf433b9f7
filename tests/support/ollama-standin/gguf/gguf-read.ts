import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Float32 } from "../go/go-json.ts";
import { tensorBytes } from "./tensor-types.ts";

export type Scalar = number | bigint | boolean | string | Float32;
export interface Entry {
  key: string;
  type: number;
  itemType: number; // of a list's items
  value: Scalar | Scalar[];
}
export interface Tensor {
  name: string;
  shape: number[];
  type: number;
  offset: number; // from the start of the tensor data
  bytes: number;
}
export interface GgufFile {
  path: string;
  version: number;
  entries: Entry[];
  tensors: Tensor[];
  dataOffset: number;
  parameters: number;
  keys: ReadonlyMap<string, Scalar | Scalar[]>;
}

const maxLength = 9223372036854775807n;
const maxArray = 64 * 1024 * 1024;
const arrayType = 9;
const stringType = 8;

// Reads forward through a file with the end-of-file errors of Go's reader.
class Reader {
  private readonly file: number;
  readonly size: number;
  private buffer = Buffer.alloc(0);
  private start = 0; // file position of buffer[0]
  position = 0;

  constructor(path: string) {
    this.file = openSync(path, "r");
    this.size = fstatSync(this.file).size;
  }

  close(): void {
    closeSync(this.file);
  }

  take(length: number): Buffer {
    if (length === 0) return Buffer.alloc(0);
    if (this.position >= this.size) throw new Error("EOF");
    if (this.position + length > this.size) throw new Error("unexpected EOF");
    if (this.position < this.start || this.position + length > this.start + this.buffer.length) {
      const size = Math.min(Math.max(length, 1 << 20), this.size - this.position);
      this.buffer = Buffer.alloc(size);
      this.start = this.position;
      for (let done = 0; done < size; ) {
        const n = readSync(this.file, this.buffer, done, size - done, this.start + done);
        if (n === 0) throw new Error("unexpected EOF");
        done += n;
      }
    }
    const from = this.position - this.start;
    this.position += length;
    return this.buffer.subarray(from, from + length);
  }

  u32 = (): number => this.take(4).readUInt32LE(0);
  u64 = (): bigint => this.take(8).readBigUInt64LE(0);

  bytes(version: number): Buffer {
    const length = this.u64();
    if (version === 1 && length === 0n) throw new Error("invalid GGUF v1 string length: 0");
    if (length > maxLength) throw new Error(`GGUF string length ${length} exceeds maximum ${maxLength}`);
    const text = Buffer.from(this.take(Number(length)));
    if (version !== 1) return text;
    if (text[text.length - 1] !== 0) throw new Error("invalid GGUF v1 string terminator");
    return text.subarray(0, -1);
  }
}

const scalarReaders: Record<number, (reader: Reader) => Scalar> = {
  0: (r) => r.take(1).readUInt8(0),
  1: (r) => r.take(1).readInt8(0),
  2: (r) => r.take(2).readUInt16LE(0),
  3: (r) => r.take(2).readInt16LE(0),
  4: (r) => r.u32(),
  5: (r) => r.take(4).readInt32LE(0),
  6: (r) => new Float32(r.take(4).readFloatLE(0)),
  7: (r) => r.take(1).readUInt8(0) !== 0,
  10: (r) => plain(r.u64()),
  11: (r) => plain(r.take(8).readBigInt64LE(0)),
  12: (r) => r.take(8).readDoubleLE(0),
};
const plain = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

function readValue(reader: Reader, type: number, version: number): Pick<Entry, "itemType" | "value"> {
  if (type === stringType) return { itemType: type, value: reader.bytes(version).toString("utf8") };
  if (type !== arrayType) {
    const read = scalarReaders[type];
    if (!read) throw new Error(`invalid type: ${type}`);
    return { itemType: type, value: read(reader) };
  }
  const item = reader.u32();
  const count = reader.u64();
  const read = item === stringType ? (r: Reader) => r.bytes(version).toString("utf8") : scalarReaders[item];
  if (!read) throw new Error(`invalid array type: ${item}`);
  if (count > BigInt(maxArray)) throw new Error(`GGUF array size ${count} exceeds maximum ${maxArray}`);
  const list: Scalar[] = [];
  for (let i = 0; i < Number(count); i += 1) list.push(read(reader));
  return { itemType: item, value: list };
}

// Decodes header, keys and tensor table of a GGUF file; throws with the server's own words.
export function readGguf(path: string): GgufFile {
  const reader = new Reader(path);
  try {
    return decode(reader, path);
  } finally {
    reader.close();
  }
}

function decode(reader: Reader, path: string): GgufFile {
  reader.take(4);
  const version = reader.u32();
  const count = () => (version === 1 ? BigInt(reader.u32()) : reader.u64());
  const tensorCount = count();
  const keyCount = count();
  const entries: Entry[] = [];
  const keys = new Map<string, Scalar | Scalar[]>();
  for (let i = 0n; i < keyCount; i += 1n) {
    const key = reader.bytes(version).toString("utf8");
    const type = reader.u32();
    const read = readValue(reader, type, version);
    entries.push({ key, type, ...read });
    keys.set(key, read.value);
  }
  const named = <T>(what: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw new Error(`failed to read tensor ${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const tensors: Tensor[] = [];
  let parameters = 0;
  for (let i = 0n; i < tensorCount; i += 1n) {
    const name = named("name", () => reader.bytes(version).toString("utf8"));
    const dims = named("dimensions", () => reader.u32());
    if (dims > 4) throw new Error(`tensor ${JSON.stringify(name)} dimensions ${dims} exceeds maximum 4`);
    const shape = Array.from({ length: dims }, () => named("shape", () => Number(reader.u64())));
    const type = named("kind", () => reader.u32());
    const offset = Number(named("offset", () => reader.u64()));
    const elements = shape.reduce((product, side) => product * side, 1);
    if (elements >= 2 ** 64) throw new Error(`tensor ${JSON.stringify(name)} elements overflow`);
    parameters += elements;
    tensors.push({ name, shape, type, offset, bytes: tensorBytes(type, shape) ?? 0 });
  }
  const alignment = Number(keys.get("general.alignment") ?? 32);
  if (alignment === 0) throw new Error("invalid GGUF alignment: 0");
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  for (const tensor of tensors) {
    const end = dataOffset + tensor.offset + tensor.bytes;
    if (end > reader.size)
      throw new Error(`tensor ${JSON.stringify(tensor.name)} offset+size (${end}) exceeds file size (${reader.size})`);
  }
  return { path, version, entries, tensors, dataOffset, parameters, keys };
}

export const numberOf = (value: Scalar | Scalar[] | undefined): number | null =>
  typeof value === "number" || typeof value === "bigint"
    ? Number(value)
    : value instanceof Float32
      ? value.value
      : null;
export const textAt = (file: GgufFile, key: string): string => {
  const value = file.keys.get(key);
  return typeof value === "string" ? value : "";
};
export const architecture = (file: GgufFile): string => textAt(file, "general.architecture") || "unknown";
export const fileType = (file: GgufFile): number => numberOf(file.keys.get("general.file_type")) ?? 0;

// Plain metadata, for readers that know nothing of Float32.
export function plainMetadata(file: GgufFile): Record<string, unknown> {
  const open = (value: Scalar): unknown => (value instanceof Float32 ? value.value : value);
  return Object.fromEntries(
    file.entries.map(({ key, value }) => [key, Array.isArray(value) ? value.map(open) : open(value)]),
  );
}
