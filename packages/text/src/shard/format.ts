// A token shard: rows of token ids with a mask of what is trained, written once and known by the SHA-256 of its bytes.
//
//   magic (8) | rows: ids as int32, mask as one byte each, zeros up to a multiple of 4, loss weights as float32 where the
//   row has any | index: per row uint32 tokens, uint32 trained, uint32 flags | footer (40): rows, tokens, trained, place of
//   the index as uint64, magic
//
// Flags: bits 0-1 the mark of a preference plus 1 (0: none), bit 2 the row has weights. Little-endian. Counts stand at the
// end, so that a shard is written in one pass.
export const magic = Buffer.from("ANNLSHD2", "latin1");
export const footerBytes = 40;
export const indexWords = 3;
export const indexEntryBytes = indexWords * 4;
export const rowTokenLimit = 1 << 24;
export const markBits = 3;
export const weightsFlag = 4;

export const recordBytes = (tokens: number, hasWeights: boolean): number =>
  tokens * 4 + Math.ceil(tokens / 4) * 4 + (hasWeights ? tokens * 4 : 0);

export const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
