import { isUtf8 } from "node:buffer";

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "gb18030";
export interface SourceFile {
  path: string;
  encoding: Encoding;
  onBytes?: (bytes: number) => void; // of each piece read
}

/** What a file's first bytes say about its encoding: a mark, zeros in every other byte, or Chinese in GBK's ranges. */
export function encodingOf(bytes: Buffer): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  return wide(bytes) ?? (isChinese(bytes) ? "gb18030" : "utf-8");
}

// ASCII between other signs has its zeros in the even or the odd bytes alone: line ends, quotes, brackets.
function wide(bytes: Buffer): Encoding | null {
  const zeros = [0, 0];
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 1)) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const units = Math.floor(bytes.length / 2);
  const encoding = odd > even ? "utf-16le" : "utf-16be";
  const [many, few] = [Math.max(even, odd), Math.min(even, odd)];
  if (units < 4 || many < units * 0.1 || few > many * 0.01) return null;
  // It must read as text as well: a program's code has zeros, too.
  const text = new TextDecoder(encoding).decode(bytes.subarray(0, units * 2));
  const odds = text.match(/[^\P{C}\t\r\n]|\uFFFD/gu)?.length ?? 0;
  return odds > text.length * 0.01 ? null : encoding;
}

/** Most of its lines beyond ASCII are no UTF-8, and nearly all such pairs of bytes are GB 2312's own characters. */
function isChinese(bytes: Buffer): boolean {
  if (isUtf8(bytes)) return false;
  let broken = 0;
  let whole = 0;
  let common = 0;
  let pairs = 0;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    // What the head cuts off says nothing, unless it is all there is.
    if (end < 0 && from > 0) break;
    const line = bytes.subarray(from, end < 0 ? bytes.length : end);
    from = end < 0 ? bytes.length : end + 1;
    if (!line.some((byte) => byte >= 0x80)) continue;
    if (isUtf8(line)) {
      whole++;
      continue;
    }
    broken++;
    for (let i = 0; i < line.length; i++) {
      if ((line[i] ?? 0) < 0x80) continue;
      const [lead, trail] = [line[i] ?? 0, line[i + 1] ?? 0];
      pairs++;
      if (lead >= 0xa1 && lead <= 0xf7 && trail >= 0xa1 && trail <= 0xfe) common++;
      i++;
    }
  }
  return broken > whole && pairs > 0 && common >= pairs * 0.8;
}

/** Bytes as UTF-8, whatever they were; what is no character stays no character. */
export function utf8Decoder(encoding: Encoding): (bytes: Buffer, last: boolean) => Buffer {
  if (encoding === "utf-8") return (bytes) => bytes;
  const decoder = new TextDecoder(encoding);
  return (bytes, last) => {
    const text = decoder.decode(bytes, { stream: !last });
    if (!text.includes("\uFFFD")) return Buffer.from(text, "utf8");
    // A sign that no UTF-8 holds, so that the line is refused and not mended in silence.
    const parts = text.split("\uFFFD").map((part) => Buffer.from(part, "utf8"));
    return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from([0xff]), part])));
  };
}
