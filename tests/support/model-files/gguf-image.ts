// An editable picture of a GGUF file: a whole one is built, then a test breaks a part of it.
const sizes = new Map([
  [0, { elements: 1, bytes: 4 }], // F32
  [1, { elements: 1, bytes: 2 }], // F16
  [2, { elements: 32, bytes: 18 }], // Q4_0
  [8, { elements: 32, bytes: 34 }], // Q8_0
]);

export const valueTypes = {
  u8: 0,
  i8: 1,
  u16: 2,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
} as const;

export function little(value: number | bigint, bytes: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return out.subarray(0, bytes);
}
export const ggufString = (text: string): Buffer =>
  Buffer.concat([little(Buffer.byteLength(text), 8), Buffer.from(text)]);
export const f32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeFloatLE(value);
  return out;
};

export interface GgufKey {
  name: Buffer; // with its length
  type: number;
  value: Buffer;
}
export interface GgufTensor {
  name: Buffer;
  dims: bigint[]; // in the file's order: row length first
  type: number;
  offset: bigint;
  rank: number;
}

export class GgufImage {
  magic = "GGUF";
  version = 3;
  readonly keys: GgufKey[] = [];
  readonly tensors: GgufTensor[] = [];
  keyCount: bigint | null = null; // lies about the counts
  tensorCount: bigint | null = null;
  data = Buffer.alloc(0);

  set(name: string, type: number, value: Buffer): this {
    const known = this.keys.find((key) => key.name.equals(ggufString(name)));
    if (known) Object.assign(known, { type, value });
    else this.keys.push({ name: ggufString(name), type, value });
    return this;
  }
  setU32 = (name: string, value: number) => this.set(name, valueTypes.u32, little(value, 4));
  setString = (name: string, value: string) => this.set(name, valueTypes.string, ggufString(value));

  remove(name: string): void {
    this.keys.splice(this.keys.indexOf(this.key(name)), 1);
  }

  key(name: string): GgufKey {
    const found = this.keys.find((key) => key.name.equals(ggufString(name)));
    if (!found) throw new Error(`the image has no key ${name}`);
    return found;
  }

  /** Appends a tensor of zeros. */
  add(name: string, dims: number[], type = 0): this {
    const size = sizes.get(type);
    if (!size) throw new Error(`no size for the type ${type}`);
    const bytes = (dims.reduce((a, b) => a * b, 1) / size.elements) * size.bytes;
    const offset = BigInt(this.data.length);
    const info = { name: ggufString(name), dims: dims.map(BigInt), type, offset, rank: dims.length };
    this.tensors.push(info);
    this.data = Buffer.concat([this.data, Buffer.alloc(Math.ceil(bytes / 32) * 32)]);
    return this;
  }

  tensor(name: string): GgufTensor {
    const found = this.tensors.find((tensor) => tensor.name.equals(ggufString(name)));
    if (!found) throw new Error(`the image has no tensor ${name}`);
    return found;
  }

  bytes(): Buffer {
    const head = [
      Buffer.from(this.magic, "latin1"),
      little(this.version, 4),
      little(this.tensorCount ?? this.tensors.length, 8),
      little(this.keyCount ?? this.keys.length, 8),
      ...this.keys.flatMap(({ name, type, value }) => [name, little(type, 4), value]),
      ...this.tensors.flatMap(({ name, dims, type, offset, rank }) => [
        name,
        little(rank, 4),
        ...dims.map((dim) => little(dim, 8)),
        little(type, 4),
        little(offset, 8),
      ]),
    ];
    const text = Buffer.concat(head);
    return Buffer.concat([text, Buffer.alloc((32 - (text.length % 32)) % 32), this.data]);
  }
}

const scalarBytes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/** A whole GGUF file as an image, to be changed and written again. */
export function ggufImageOf(bytes: Buffer): GgufImage {
  const image = new GgufImage();
  let at = 8;
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const u64 = () => Number(take(8).readBigUInt64LE());
  const string = () => {
    const begin = at;
    const length = u64();
    at += length;
    return bytes.subarray(begin, at);
  };
  const skip = (type: number): void => {
    if (type === valueTypes.string) string();
    else if (type === valueTypes.array) {
      const of = take(4).readUInt32LE();
      for (let left = u64(); left > 0; left--) skip(of);
    } else at += scalarBytes[type] ?? Number.NaN;
  };
  const [tensors, keys] = [u64(), u64()];
  for (let i = 0; i < keys; i++) {
    const name = string();
    const type = take(4).readUInt32LE();
    const begin = at;
    skip(type);
    image.keys.push({ name, type, value: bytes.subarray(begin, at) });
  }
  for (let i = 0; i < tensors; i++) {
    const name = string();
    const rank = take(4).readUInt32LE();
    const dims = Array.from({ length: rank }, () => take(8).readBigUInt64LE());
    image.tensors.push({ name, rank, dims, type: take(4).readUInt32LE(), offset: take(8).readBigUInt64LE() });
  }
  image.data = Buffer.from(bytes.subarray(Math.ceil(at / 32) * 32));
  return image;
}
