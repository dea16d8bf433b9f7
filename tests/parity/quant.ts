// GGUF tensor types against gguf-py's numbers: a folder with ggml_types.safetensors and ggml_types.json. Bit for bit.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { dequantiseTensor, quantiseTensor } from "../../packages/engine/src/index.ts";
import { openSafetensors } from "../support/model-files/safetensors.ts";
import type { CaseResult } from "../support/suite-result.ts";

interface TypeEntry {
  shape: number[];
  quantised_from: string | null;
}

function parseTypes(path: string): Record<string, TypeEntry> {
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof parsed !== "object" || parsed === null) throw new Error(`${path}: expected an object`);
  const types: Record<string, TypeEntry> = {};
  for (const [name, entry] of Object.entries(parsed)) {
    if (!Array.isArray(entry.shape)) throw new Error(`${path}: ${name}.shape is missing`);
    types[name] = { shape: entry.shape.map(Number), quantised_from: entry.quantised_from ?? null };
  }
  return types;
}

/** Index of the first differing byte, -1 when equal. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  return Buffer.compare(a, b) === 0 ? -1 : a.findIndex((byte, i) => byte !== b[i]);
}

const asBytes = (floats: Float32Array) => new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);

function largestDifference(a: Float32Array, b: Float32Array): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return worst;
}

/** Checks every type of the folder: blocks to floats, and floats to blocks where the file says what they were made of. */
export async function* check(dir: string): AsyncIterable<CaseResult> {
  const types = parseTypes(join(dir, "ggml_types.json"));
  const file = openSafetensors(join(dir, "ggml_types.safetensors"));
  for (const [type, { shape, quantised_from: source }] of Object.entries(types)) {
    const name = `${basename(dir)} ${type}`;
    const rowLength = shape.at(-1) ?? 0;
    try {
      const blocks = file.bytes(`${type}.bytes`);
      const expected = file.floats(`${type}.float32`);
      const floats = dequantiseTensor(type, blocks, rowLength);
      const worst = largestDifference(floats, expected);
      const floatAt = firstDifference(asBytes(floats), asBytes(expected));
      if (floatAt >= 0) {
        yield { name, status: "failed", worst, detail: `dequantised: element ${floatAt >> 2} differs from gguf-py` };
        continue;
      }
      if (source === null) {
        yield { name, status: "passed", worst, detail: "dequantised bit for bit" };
        continue;
      }
      const packed = quantiseTensor(type, file.floats(source), rowLength);
      const byteAt = firstDifference(packed, blocks);
      yield byteAt < 0
        ? { name, status: "passed", worst, detail: "dequantised and quantised bit for bit" }
        : { name, status: "failed", worst, detail: `quantised: byte ${byteAt} differs from gguf-py` };
    } catch (error) {
      yield { name, status: "failed", detail: error instanceof Error ? error.message : String(error) };
    }
  }
}
