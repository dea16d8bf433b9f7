import { type FileHandle, open } from "node:fs/promises";
import { Float32 } from "../go/go-json.ts";
import type { Entry, GgufFile, Scalar, Tensor } from "./gguf-read.ts";

const alignment = 32;
const pad = (bytes: number): number => (alignment - (bytes % alignment)) % alignment;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([u64(bytes.length), bytes]);
};

function scalar(type: number, value: Scalar): Buffer {
  if (type === 8) return text(String(value));
  const number = value instanceof Float32 ? value.value : value;
  const sizes: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
  const bytes = Buffer.alloc(sizes[type] ?? 0);
  if (type === 10) bytes.writeBigUInt64LE(BigInt(number));
  else if (type === 11) bytes.writeBigInt64LE(BigInt(number));
  else if (type === 12) bytes.writeDoubleLE(Number(number));
  else if (type === 6) bytes.writeFloatLE(Number(number));
  else if (type === 1 || type === 3 || type === 5) bytes.writeIntLE(Number(number), 0, bytes.length);
  else bytes.writeUIntLE(Number(number), 0, bytes.length);
  return bytes;
}

function entryBytes({ key, type, itemType, value }: Entry): Buffer {
  if (!Array.isArray(value)) return Buffer.concat([text(key), u32(type), scalar(type, value)]);
  const items = value.map((item) => scalar(itemType, item));
  return Buffer.concat([text(key), u32(type), u32(itemType), u64(value.length), ...items]);
}

export interface OutTensor {
  name: string;
  shape: number[];
  type: number;
  bytes: number;
  write: (out: FileHandle) => Promise<void>;
}

// Trailing sides of 1 are not written: the tensor's own dimensions count.
const dimensions = (shape: readonly number[]): number[] => {
  const sides = [...shape];
  while (sides.length > 1 && sides.at(-1) === 1) sides.pop();
  return sides;
};

export async function writeGguf(path: string, entries: Entry[], tensors: OutTensor[]): Promise<void> {
  const parts = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(entries.length), ...entries.map(entryBytes)];
  let offset = 0;
  for (const tensor of tensors) {
    const sides = dimensions(tensor.shape);
    parts.push(text(tensor.name), u32(sides.length), ...sides.map(u64), u32(tensor.type), u64(offset));
    offset += tensor.bytes + pad(tensor.bytes);
  }
  const header = Buffer.concat(parts);
  const out = await open(path, "w");
  try {
    await out.write(Buffer.concat([header, Buffer.alloc(pad(header.length))]));
    for (const tensor of tensors) {
      await tensor.write(out);
      const rest = pad(tensor.bytes);
      if (rest > 0) await out.write(Buffer.alloc(rest));
    }
  } finally {
    await out.close();
  }
}

const layerOf = (name: string): number => {
  const found = /^blk\.(\d+)\./.exec(name);
  return found ? Number(found[1]) : -1;
};

// Tensors outside the layers first, then layer by layer, by name inside each.
export const tensorOrder = (tensors: readonly Tensor[]): Tensor[] =>
  [...tensors].sort(
    (a, b) => layerOf(a.name) - layerOf(b.name) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );

// Keys as they came; the two that the copy sets itself move to the end.
export function copiedEntries(file: GgufFile, fileType: number): Entry[] {
  const set = (key: string, value: number): Entry => ({ key, type: 4, itemType: 4, value });
  const kept = file.entries.filter(
    ({ key }) => key !== "general.quantization_version" && key !== "general.file_type" && !key.startsWith("split."),
  );
  return [...kept, set("general.quantization_version", 2), set("general.file_type", fileType)];
}
