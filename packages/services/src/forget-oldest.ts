/** Keeps the newest answers of a memory that is asked by key; a Map lists its keys by age. */
export function forgetOldest(remembered: Map<string, unknown>, most: number): void {
  for (const oldest of remembered.keys()) {
    if (remembered.size <= most) return;
    remembered.delete(oldest);
  }
}
