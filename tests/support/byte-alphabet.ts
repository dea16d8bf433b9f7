// GPT-2's printable character for every byte, written down independently of the code under test.
const printable = [
  ...Array.from({ length: 94 }, (_, i) => 0x21 + i),
  ...Array.from({ length: 12 }, (_, i) => 0xa1 + i),
  ...Array.from({ length: 82 }, (_, i) => 0xae + i),
];
const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable.includes(byte));

export const byteAlphabet: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  String.fromCodePoint(printable.includes(byte) ? byte : 256 + others.indexOf(byte)),
);
