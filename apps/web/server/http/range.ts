/** What of a file a Range header asks for: null the whole (RFC 9110 lets what is not understood be ignored), or nothing of it. */
export function rangeOf(header: string | null, size: number): { start: number; end: number } | "beyond" | null {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  if (first === "")
    return last === "0" || size === 0 ? "beyond" : { start: Math.max(0, size - Number(last)), end: size - 1 };
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  return start >= size ? "beyond" : { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}
