export function logSoftmax(logits: Float32Array): Float32Array {
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((a, b) => a + Math.exp(b - top), 0);
  return logits.map((x) => x - top - Math.log(sum));
}
