import { open } from "node:fs/promises";
import { brainToFloat, floatToBrain, floatToHalf, halfToFloat } from "./float-types.ts";
import type { GgufFile, Tensor } from "./gguf-read.ts";
import { copiedEntries, type OutTensor, tensorOrder, writeGguf } from "./gguf-write.ts";
import { quantizeTargets, tensorBytes, tensorType, tensorTypeId } from "./tensor-types.ts";

const chunkBytes = 4 * 1024 * 1024;

// Copies a GGUF as the server does when it takes one in: keys kept, tensors in another order, data checked for NaN.
export async function copyGguf(file: GgufFile, target: string, fileType: number): Promise<void> {
  await writeGguf(
    target,
    copiedEntries(file, fileType),
    tensorOrder(file.tensors).map((tensor) => ({ ...tensor, write: (out) => copyTensor(file, tensor, out) })),
  );
}

async function* tensorPieces(file: GgufFile, tensor: Tensor): AsyncGenerator<Buffer> {
  const type = tensorType(tensor.type);
  const block = type?.bytes ?? 1;
  const size = Math.max(1, Math.floor(chunkBytes / block)) * block;
  const handle = await open(file.path, "r");
  try {
    for (let done = 0; done < tensor.bytes; ) {
      const piece = Buffer.alloc(Math.min(size, tensor.bytes - done));
      const { bytesRead } = await handle.read(piece, 0, piece.length, file.dataOffset + tensor.offset + done);
      if (bytesRead !== piece.length) throw new Error(`tensor '${tensor.name}' data is not within the file bounds`);
      done += piece.length;
      yield piece;
    }
  } finally {
    await handle.close();
  }
}

async function copyTensor(file: GgufFile, tensor: Tensor, out: Parameters<OutTensor["write"]>[0]): Promise<void> {
  for await (const piece of tensorPieces(file, tensor)) {
    if (!isFiniteData(tensor.type, piece)) throw new Error(`tensor '${tensor.name}' has invalid data`);
    await out.write(piece);
  }
}

const halfIsFinite = (bytes: Buffer, at: number): boolean => (bytes.readUInt16LE(at) & 0x7c00) !== 0x7c00;

function isFiniteData(typeId: number, bytes: Buffer): boolean {
  const type = tensorType(typeId);
  if (!type) return true;
  if (type.name === "F32") {
    for (let at = 0; at + 4 <= bytes.length; at += 4)
      if ((bytes.readUInt32LE(at) & 0x7f800000) === 0x7f800000) return false;
  } else if (type.name === "F16") {
    for (let at = 0; at + 2 <= bytes.length; at += 2) if (!halfIsFinite(bytes, at)) return false;
  } else if (type.name === "BF16") {
    for (let at = 0; at + 2 <= bytes.length; at += 2) if ((bytes.readUInt16LE(at) & 0x7f80) === 0x7f80) return false;
  } else if (type.scales.length > 0) {
    for (let at = 0; at + type.bytes <= bytes.length; at += type.bytes)
      if (!type.scales.every((offset) => halfIsFinite(bytes, at + offset))) return false;
  }
  return true;
}

function toFloats(typeName: string, bytes: Buffer): Float32Array {
  if (typeName === "F32")
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const decode = typeName === "BF16" ? brainToFloat : halfToFloat;
  const values = new Float32Array(bytes.length / 2);
  for (let i = 0; i < values.length; i += 1) values[i] = decode(bytes.readUInt16LE(2 * i));
  return values;
}

const roundAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

function encodeQ80(values: Float32Array): Buffer {
  const out = Buffer.alloc((values.length / 32) * 34);
  for (let block = 0; block * 32 < values.length; block += 1) {
    const part = values.subarray(block * 32, block * 32 + 32);
    let largest = 0;
    for (const value of part) largest = Math.max(largest, Math.abs(value));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    out.writeUInt16LE(floatToHalf(scale), block * 34);
    part.forEach((value, i) => {
      out.writeInt8(roundAway(Math.fround(value * inverse)), block * 34 + 2 + i);
    });
  }
  return out;
}

// K-quants here are plain minimum-and-scale blocks: valid and of the right size, but not llama.cpp's searched ones, so
// only their digests differ from a real server's.
function encodeQ4K(values: Float32Array, bits: 4 | 5 = 4): Buffer {
  const size = bits === 4 ? 144 : 176;
  const most = 2 ** bits - 1;
  const out = Buffer.alloc((values.length / 256) * size);
  for (let block = 0; block * 256 < values.length; block += 1) {
    const at = block * size;
    const low = at + size - 128;
    const groups = Array.from({ length: 8 }, (_, i) =>
      values.subarray(block * 256 + 32 * i, block * 256 + 32 * i + 32),
    );
    const minima = groups.map((group) => Math.max(0, -Math.min(...group)));
    const scales = groups.map((group, i) => (Math.max(...group) + (minima[i] ?? 0)) / most);
    const scale = Math.max(...scales, 0) / 63;
    const minimum = Math.max(...minima) / 63;
    out.writeUInt16LE(floatToHalf(scale), at);
    out.writeUInt16LE(floatToHalf(minimum), at + 2);
    const level = (value: number, unit: number) => (unit > 0 ? Math.min(63, Math.round(value / unit)) : 0);
    groups.forEach((group, i) => {
      const s = level(scales[i] ?? 0, scale);
      const m = level(minima[i] ?? 0, minimum);
      const table = out.subarray(at + 4, at + 16);
      if (i < 4) {
        table[i] = (table[i] ?? 0) | s;
        table[i + 4] = (table[i + 4] ?? 0) | m;
      } else {
        table[i + 4] = (s & 15) | ((m & 15) << 4);
        table[i - 4] = (table[i - 4] ?? 0) | ((s >> 4) << 6);
        table[i] = (table[i] ?? 0) | ((m >> 4) << 6);
      }
      group.forEach((value, j) => {
        const q = s > 0 && scale > 0 ? Math.max(0, Math.min(most, Math.round((value + m * minimum) / (s * scale)))) : 0;
        const index = low + 32 * (i >> 1) + j;
        out[index] = (out[index] ?? 0) | (i % 2 === 0 ? q & 15 : (q & 15) << 4);
        if (bits === 5) out[at + 16 + j] = (out[at + 16 + j] ?? 0) | ((q >> 4) << i);
      });
    });
  }
  return out;
}

function encodeQ6K(values: Float32Array): Buffer {
  const out = Buffer.alloc((values.length / 256) * 210);
  for (let block = 0; block * 256 < values.length; block += 1) {
    const at = block * 210;
    const part = values.subarray(block * 256, block * 256 + 256);
    const scales = Array.from({ length: 16 }, (_, i) => {
      let largest = 0;
      for (const value of part.subarray(16 * i, 16 * i + 16)) largest = Math.max(largest, Math.abs(value));
      return largest / 31;
    });
    const unit = Math.max(...scales) / 127;
    out.writeUInt16LE(floatToHalf(unit), at + 208);
    part.forEach((value, i) => {
      const s = unit > 0 ? Math.round((scales[i >> 4] ?? 0) / unit) : 0;
      out[at + 192 + (i >> 4)] = s;
      const q = s > 0 ? Math.max(-32, Math.min(31, Math.round(value / (s * unit)))) + 32 : 32;
      const half = i >> 7;
      const lane = (i >> 5) & 3;
      const j = i & 31;
      const low = at + 64 * half + (lane & 1) * 32 + j;
      out[low] = (out[low] ?? 0) | (lane < 2 ? q & 15 : (q & 15) << 4);
      const high = at + 128 + 32 * half + j;
      out[high] = (out[high] ?? 0) | ((q >> 4) << (2 * lane));
    });
  }
  return out;
}

function encode(typeName: string, values: Float32Array): Buffer {
  if (typeName === "Q8_0") return encodeQ80(values);
  if (typeName === "Q4_K") return encodeQ4K(values);
  if (typeName === "Q5_K") return encodeQ4K(values, 5);
  if (typeName === "Q6_K") return encodeQ6K(values);
  if (typeName === "F32") return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const convert = typeName === "BF16" ? floatToBrain : floatToHalf;
  const out = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    out.writeUInt16LE(convert(value), 2 * i);
  });
  return out;
}

// In the M mixture the value and down projections of some layers, and always the output, keep six bits.
function targetType(tensor: Tensor, want: string, layers: number): string {
  const own = tensorType(tensor.type)?.name ?? "F32";
  if (tensor.shape.length < 2 || !tensor.name.endsWith("weight") || tensor.name.includes("_norm")) return own;
  const type = quantizeTargets[want]?.tensor ?? own;
  if (type !== "Q4_K") return type;
  const columns = tensor.shape[0] ?? 0;
  if (columns % 256 !== 0) return "Q8_0";
  if (tensor.name === "output.weight") return "Q6_K";
  const layer = Number(/^blk\.(\d+)\./.exec(tensor.name)?.[1] ?? -1);
  const more =
    layer < Math.floor(layers / 8) ||
    layer >= Math.floor((7 * layers) / 8) ||
    (layer - Math.floor(layers / 8)) % 3 === 2;
  const sensitive = /attn_v|ffn_down/.test(tensor.name);
  if (want === "Q4_K_M") return sensitive && more ? "Q6_K" : "Q4_K";
  const early = tensor.name.includes("attn_v") ? layer < 4 : layer < Math.floor(layers / 8);
  return sensitive && layer >= 0 && early ? "Q5_K" : "Q4_K";
}

export async function quantizeGguf(file: GgufFile, target: string, want: string): Promise<void> {
  const fileType = quantizeTargets[want]?.fileType ?? 0;
  const layers = new Set(file.tensors.map((t) => /^blk\.(\d+)\./.exec(t.name)?.[1]).filter(Boolean)).size;
  const tensors = tensorOrder(file.tensors).map((tensor): OutTensor => {
    const own = tensorType(tensor.type)?.name ?? "";
    const name = targetType(tensor, want, layers);
    if (name === own) return { ...tensor, write: (out) => copyTensor(file, tensor, out) };
    const type = tensorTypeId(name);
    const write: OutTensor["write"] = async (out) => {
      for await (const piece of tensorPieces(file, tensor)) {
        if (!isFiniteData(tensor.type, piece)) throw new Error(`tensor '${tensor.name}' has invalid data`);
        await out.write(encode(name, toFloats(own, piece)));
      }
    };
    return { ...tensor, type, bytes: tensorBytes(type, tensor.shape) ?? 0, write };
  });
  await writeGguf(target, copiedEntries(file, fileType), tensors);
}
