// Conversions between the float types of GGUF files, rounding to nearest, ties to even, as ggml does.
const f32 = new Float32Array(1);
const bits = new Uint32Array(f32.buffer);

export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function floatToHalf(value: number): number {
  f32[0] = value;
  const word = bits[0] ?? 0;
  const sign = (word >>> 16) & 0x8000;
  const size = Math.abs(f32[0] ?? 0);
  if (Number.isNaN(size)) return sign | 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(((word >>> 23) & 255) - 127, -14);
  // In units of the last place, a half of that exponent is a whole number: let the rounding of doubles decide.
  const units = size / 2 ** (exponent - 10);
  const floor = Math.floor(units);
  const rest = units - floor;
  const rounded = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
  return sign | (rounded + ((exponent + 14) << 10));
}

export function floatToBrain(value: number): number {
  f32[0] = value;
  const word = bits[0] ?? 0;
  if ((word & 0x7fffffff) > 0x7f800000) return ((word >>> 16) | 64) & 0xffff;
  return ((word + (0x7fff + ((word >>> 16) & 1))) >>> 16) & 0xffff;
}

export function brainToFloat(brain: number): number {
  bits[0] = (brain << 16) >>> 0;
  return f32[0] ?? 0;
}
