import { callNative } from "./native.ts";

/** Float rows to blocks of a GGUF type ("Q8_0", "Q4_K", ...). `rowLength` must be a multiple of the type's block length. */
export function quantiseTensor(type: string, values: Float32Array, rowLength: number): Uint8Array {
  return callNative((engine) => engine.quantiseTensor(type, values, rowLength));
}

/** Blocks of a GGUF type back to floats, as the type defines them. */
export function dequantiseTensor(type: string, blocks: Uint8Array, rowLength: number): Float32Array {
  return callNative((engine) => engine.dequantiseTensor(type, blocks, rowLength));
}
