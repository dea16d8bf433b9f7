export interface TensorEntry {
  name: string;
  type: string;
  shape: number[];
  bytes: number;
}

/** Metadata of a GGUF file as its header holds it; large arrays are typed arrays or string[]. */
export interface GgufFileInfo {
  version: number;
  metadata: Record<string, GgufMetadataValue>;
  tensors: TensorEntry[];
}

export type GgufMetadataValue =
  | string
  | number
  | bigint
  | boolean
  | string[]
  | boolean[]
  | number[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;
