// A teacher's file: rows of token ids with a mask of what is predicted, and for each of those tokens the teacher's k best guesses with
// their natural log-probabilities, best first. Written once and known by the SHA-256 of its bytes.
//
//   magic (8) | rows: ids as int32, mask as one byte each, zeros up to a multiple of 4, k best ids as int32 for each masked token, their
//   log-probabilities as float32 | index: per row uint32 tokens, uint32 masked | facts: JSON in UTF-8 | footer (56): rows, masked
//   tokens, k, place of the index, place of the facts as uint64, 8 zeros, magic
//
// Little-endian. The first token of a row has nothing before it and is never masked.
export const magic = Buffer.from("ANNLTCH1", "latin1");
export const footerBytes = 56;
export const indexEntryBytes = 8;
export const rowTokenLimit = 1 << 24;
export const factsLimit = 1 << 16;

const maskBytes = (tokens: number): number => Math.ceil(tokens / 4) * 4;
/** Where a row's guesses begin behind its ids and mask. */
export const guessesAt = (tokens: number): number => tokens * 4 + maskBytes(tokens);
export const recordBytes = (tokens: number, masked: number, k: number): number => guessesAt(tokens) + masked * k * 8;
