// The byte-level alphabet of GPT-2: every byte has one printable character, so that a vocabulary is plain text.
const printable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

export const byteToChar: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

// 0..255, or -1 where the character stands for no byte. Covers every character of the alphabet (below 0x144).
const charToByteTable = new Int16Array(0x144).fill(-1);
byteToChar.forEach((char, byte) => {
  charToByteTable[char.charCodeAt(0)] = byte;
});

export function charToByte(code: number): number {
  return code < charToByteTable.length ? (charToByteTable[code] ?? -1) : -1;
}

const encoder = new TextEncoder();

// The bytes that a vocabulary entry stands for; text outside the alphabet (an added token) stands for itself.
export function alphabetToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = charToByte(text.charCodeAt(i));
    if (byte < 0) return encoder.encode(text);
    bytes[i] = byte;
  }
  return bytes;
}
