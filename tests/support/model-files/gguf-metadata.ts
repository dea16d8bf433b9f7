import { readFileSync } from "node:fs";

// The metadata of a GGUF file, for tests that run without the compiled engine.
export function readGgufMetadata(path: string): Record<string, unknown> {
  const bytes = readFileSync(path);
  let at = 4;
  const u32 = () => {
    at += 4;
    return bytes.readUInt32LE(at - 4);
  };
  const u64 = () => {
    at += 8;
    return Number(bytes.readBigUInt64LE(at - 8));
  };
  const string = () => {
    const length = u64();
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const fixed = (size: number, read: (from: number) => unknown) => () => {
    at += size;
    return read(at - size);
  };
  const readers: Record<number, () => unknown> = {
    0: fixed(1, (i) => bytes.readUInt8(i)),
    1: fixed(1, (i) => bytes.readInt8(i)),
    2: fixed(2, (i) => bytes.readUInt16LE(i)),
    3: fixed(2, (i) => bytes.readInt16LE(i)),
    4: u32,
    5: fixed(4, (i) => bytes.readInt32LE(i)),
    6: fixed(4, (i) => bytes.readFloatLE(i)),
    7: fixed(1, (i) => bytes.readUInt8(i) !== 0),
    8: string,
    9: () => {
      const type = u32();
      const length = u64();
      return Array.from({ length }, () => value(type));
    },
    10: u64,
    11: fixed(8, (i) => Number(bytes.readBigInt64LE(i))),
    12: fixed(8, (i) => bytes.readDoubleLE(i)),
  };
  const value = (type: number) => {
    const read = readers[type];
    if (!read) throw new Error(`${path}: metadata of type ${type}`);
    return read();
  };
  if (bytes.toString("latin1", 0, 4) !== "GGUF") throw new Error(`${path}: not a GGUF file`);
  u32();
  u64();
  const entries = u64();
  const metadata: Record<string, unknown> = {};
  for (let i = 0; i < entries; i++) {
    const key = string();
    metadata[key] = value(u32());
  }
  return metadata;
}
