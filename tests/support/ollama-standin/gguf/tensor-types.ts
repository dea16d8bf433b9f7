// Block shapes of GGML's tensor types: how many values a block holds, how many bytes it takes, and where in it the
// half-precision scales lie (checked for NaN and infinity when a model is taken in).
export interface TensorType {
  name: string;
  values: number;
  bytes: number;
  scales: readonly number[];
}

const types: Record<number, TensorType> = {
  0: { name: "F32", values: 1, bytes: 4, scales: [] },
  1: { name: "F16", values: 1, bytes: 2, scales: [] },
  2: { name: "Q4_0", values: 32, bytes: 18, scales: [0] },
  3: { name: "Q4_1", values: 32, bytes: 20, scales: [0, 2] },
  6: { name: "Q5_0", values: 32, bytes: 22, scales: [0] },
  7: { name: "Q5_1", values: 32, bytes: 24, scales: [0, 2] },
  8: { name: "Q8_0", values: 32, bytes: 34, scales: [0] },
  9: { name: "Q8_1", values: 32, bytes: 36, scales: [0, 2] },
  10: { name: "Q2_K", values: 256, bytes: 84, scales: [80, 82] },
  11: { name: "Q3_K", values: 256, bytes: 110, scales: [108] },
  12: { name: "Q4_K", values: 256, bytes: 144, scales: [0, 2] },
  13: { name: "Q5_K", values: 256, bytes: 176, scales: [0, 2] },
  14: { name: "Q6_K", values: 256, bytes: 210, scales: [208] },
  15: { name: "Q8_K", values: 256, bytes: 292, scales: [] },
  20: { name: "IQ4_NL", values: 32, bytes: 18, scales: [0] },
  23: { name: "IQ4_XS", values: 256, bytes: 136, scales: [0] },
  24: { name: "I8", values: 1, bytes: 1, scales: [] },
  25: { name: "I16", values: 1, bytes: 2, scales: [] },
  26: { name: "I32", values: 1, bytes: 4, scales: [] },
  27: { name: "I64", values: 1, bytes: 8, scales: [] },
  28: { name: "F64", values: 1, bytes: 8, scales: [] },
  30: { name: "BF16", values: 1, bytes: 2, scales: [] },
};

export const tensorType = (id: number): TensorType | undefined => types[id];
export const tensorTypeId = (name: string): number =>
  Number(Object.entries(types).find(([, type]) => type.name === name)?.[0] ?? -1);

// `general.file_type` by number; 0 (F32) counts as unknown for the server.
const fileTypes: Record<number, string> = {
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  7: "Q8_0",
  8: "Q5_0",
  9: "Q5_1",
  10: "Q2_K",
  11: "Q3_K_S",
  12: "Q3_K_M",
  13: "Q3_K_L",
  14: "Q4_K_S",
  15: "Q4_K_M",
  16: "Q5_K_S",
  17: "Q5_K_M",
  18: "Q6_K",
  25: "IQ4_NL",
  30: "IQ4_XS",
  32: "BF16",
};
export const fileTypeName = (id: number): string => fileTypes[id] ?? "unknown";

// What `quantize` may ask for: its file type and the tensor type that most weights take.
export const quantizeTargets: Record<string, { fileType: number; tensor: string }> = {
  F32: { fileType: 0, tensor: "F32" },
  F16: { fileType: 1, tensor: "F16" },
  BF16: { fileType: 32, tensor: "BF16" },
  Q8_0: { fileType: 7, tensor: "Q8_0" },
  Q4_K_S: { fileType: 14, tensor: "Q4_K" },
  Q4_K_M: { fileType: 15, tensor: "Q4_K" },
};

export function tensorBytes(typeId: number, shape: readonly number[]): number | null {
  const type = types[typeId];
  if (!type) return null;
  const elements = shape.reduce((product, side) => product * side, 1);
  const bytes = (elements / type.values) * type.bytes;
  return Number.isSafeInteger(bytes) ? bytes : Number.isFinite(bytes) && elements < 2 ** 53 ? Math.floor(bytes) : null;
}
