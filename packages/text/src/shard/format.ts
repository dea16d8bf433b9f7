// A token shard: rows of token ids with a mask of what is trained, written once and known by the SHA-256 of its bytes.
//
//   magic (8) | rows: ids as int32, mask as one byte each, zeros up to a multiple of 4 | index: per row uint32 tokens,
//   uint32 trained | footer (40): rows, tokens, trained, place of the index as uint64, magic
//
// Little-endian. Counts stand at the end, so that a shard is written in one pass.
export const magic = Buffer.from("ANNLSHD1", "latin1");
export const footerBytes = 40;
export const indexEntryBytes = 8;
export const rowTokenLimit = 1 << 24;

export const recordBytes = (tokens: number): number => tokens * 4 + Math.ceil(tokens / 4) * 4;

export const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
