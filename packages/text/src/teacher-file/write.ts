import { say, type TeacherFacts } from "@anneal/contracts";
import { writeWhole } from "../record-file/write.ts";
import { TextError } from "../text-error.ts";
import { footerBytes, guessesAt, magic, recordBytes, rowTokenLimit } from "./format.ts";
import type { TeacherRow } from "./open.ts";

export interface WrittenTeacherFile {
  digest: string; // sha256:...
  bytes: number;
  rows: number;
  supervisedTokens: number;
}

function record({ tokens, mask, ids, logprobs }: TeacherRow, row: number, topK: number): Buffer {
  const masked = mask.reduce((sum, flag) => sum + flag, 0);
  if (tokens.length > rowTokenLimit || mask.length !== tokens.length || mask[0] === 1)
    throw new TextError(`row ${row + 1}`, say`has an impossible length or mask`, say`Lower maxSequenceTokens.`);
  if (ids.length !== masked * topK || logprobs.length !== ids.length)
    throw new RangeError(`row ${row + 1} brings ${ids.length} guesses for ${masked} tokens of ${topK} each`);
  const bytes = Buffer.alloc(recordBytes(tokens.length, masked, topK));
  tokens.forEach((token, i) => {
    bytes.writeInt32LE(token, i * 4);
  });
  bytes.set(mask, tokens.length * 4);
  const at = guessesAt(tokens.length);
  ids.forEach((id, i) => {
    bytes.writeInt32LE(id, at + i * 4);
  });
  logprobs.forEach((value, i) => {
    bytes.writeFloatLE(value, at + (ids.length + i) * 4);
  });
  return bytes;
}

/** Writes beside the path and renames when all is on the disk: a file under its path is whole. Same facts and rows, same bytes. */
export async function writeTeacherFile(
  path: string,
  facts: TeacherFacts,
  rows: AsyncIterable<TeacherRow> | Iterable<TeacherRow>,
): Promise<WrittenTeacherFile> {
  const { digest, bytes, result } = await writeWhole(path, async (put) => {
    let place = magic.length;
    await put(magic);
    const entries: number[] = [];
    let supervisedTokens = 0;
    for await (const row of rows) {
      const written = record(row, entries.length / 2, facts.topK);
      const masked = row.ids.length / facts.topK;
      entries.push(row.tokens.length, masked);
      supervisedTokens += masked;
      place += written.length;
      await put(written);
    }
    const index = Buffer.alloc(entries.length * 4);
    entries.forEach((value, i) => {
      index.writeUInt32LE(value, i * 4);
    });
    await put(index);
    await put(Buffer.from(JSON.stringify(facts), "utf8"));
    const footer = Buffer.alloc(footerBytes);
    [entries.length / 2, supervisedTokens, facts.topK, place, place + index.length].forEach((value, i) => {
      footer.writeBigUInt64LE(BigInt(value), i * 8);
    });
    magic.copy(footer, footerBytes - magic.length);
    await put(footer);
    return { rows: entries.length / 2, supervisedTokens };
  });
  return { digest, bytes, ...result };
}
