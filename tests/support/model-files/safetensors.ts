// Reads golden safetensors files in tests, independent of the engine under test.
import { readFileSync } from "node:fs";

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

export interface SafetensorsReader {
  names: string[];
  shape(name: string): number[];
  bytes(name: string): Uint8Array;
  /** F32 tensors only. */
  floats(name: string): Float32Array;
}

export function openSafetensors(path: string): SafetensorsReader {
  const file = readFileSync(path);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header: Record<string, HeaderEntry> = JSON.parse(file.toString("utf8", 8, 8 + headerBytes));
  delete header.__metadata__;
  const entry = (name: string) => {
    const found = header[name];
    if (!found) throw new Error(`${path}: no tensor ${name}`);
    return found;
  };
  const bytes = (name: string) => {
    const [begin, end] = entry(name).data_offsets;
    // A copy: typed arrays need aligned memory, which the file does not promise.
    return new Uint8Array(file.subarray(8 + headerBytes + begin, 8 + headerBytes + end));
  };
  return {
    names: Object.keys(header),
    shape: (name) => entry(name).shape,
    bytes,
    floats: (name) => {
      if (entry(name).dtype !== "F32") throw new Error(`${path}: ${name} is ${entry(name).dtype}, not F32`);
      return new Float32Array(bytes(name).buffer);
    },
  };
}
