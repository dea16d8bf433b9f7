import { say } from "@anneal/contracts";
import { writeWhole } from "../record-file/write.ts";
import type { EncodedRow } from "../rows/encode-row.ts";
import { TextError } from "../text-error.ts";
import { footerBytes, indexWords, littleEndian, magic, recordBytes, rowTokenLimit, weightsFlag } from "./format.ts";

export interface WrittenShard {
  digest: string; // sha256:...
  rows: number;
  tokens: number;
  supervisedTokens: number;
}

function record({ tokens, labels, weights }: EncodedRow, row: number): Buffer {
  if (tokens.length > rowTokenLimit || labels.length !== tokens.length)
    throw new TextError(
      `row ${row + 1}`,
      say`has ${tokens.length} tokens`,
      say`Lower maxSequenceTokens to ${rowTokenLimit}.`,
    );
  const bytes = Buffer.alloc(recordBytes(tokens.length, weights !== undefined));
  for (let i = 0; i < tokens.length; i++) {
    bytes.writeInt32LE(tokens[i] as number, i * 4);
    if (labels[i] !== -100) bytes[tokens.length * 4 + i] = 1;
  }
  const at = recordBytes(tokens.length, false);
  weights?.forEach((weight, i) => {
    bytes.writeFloatLE(weight, at + i * 4);
  });
  return bytes;
}

const flagsOf = ({ mark, weights }: EncodedRow): number =>
  (mark === undefined ? 0 : mark + 1) | (weights ? weightsFlag : 0);

// Growing list of uint32 triples, so that millions of rows take 12 bytes each.
class Index {
  private words = new Uint32Array(1024 * indexWords);
  private count = 0;
  push(tokens: number, supervised: number, flags: number): void {
    if (this.count + indexWords > this.words.length) {
      const grown = new Uint32Array(this.words.length * 2);
      grown.set(this.words);
      this.words = grown;
    }
    this.words[this.count++] = tokens;
    this.words[this.count++] = supervised;
    this.words[this.count++] = flags;
  }
  bytes(): Buffer {
    const view = Buffer.from(this.words.buffer, 0, this.count * 4);
    return littleEndian ? view : Buffer.from(view).swap32();
  }
}

// Writes beside the path and renames when all is on the disk: a shard under its path is whole.
export async function writeShard(
  path: string,
  rows: AsyncIterable<EncodedRow> | Iterable<EncodedRow>,
): Promise<WrittenShard> {
  const { digest, result } = await writeWhole(path, async (put) => {
    await put(magic);
    const index = new Index();
    const counts = { rows: 0, tokens: 0, supervisedTokens: 0 };
    let place = magic.length;
    for await (const row of rows) {
      const bytes = record(row, counts.rows);
      index.push(row.tokens.length, row.supervisedTokens, flagsOf(row));
      counts.rows++;
      counts.tokens += row.tokens.length;
      counts.supervisedTokens += row.supervisedTokens;
      place += bytes.length;
      await put(bytes);
    }
    await put(index.bytes());
    const footer = Buffer.alloc(footerBytes);
    [counts.rows, counts.tokens, counts.supervisedTokens, place].forEach((value, i) => {
      footer.writeBigUInt64LE(BigInt(value), i * 8);
    });
    magic.copy(footer, 32);
    await put(footer);
    return counts;
  });
  return { digest, ...result };
}
