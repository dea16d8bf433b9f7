import { type DatasetRow, type Message, ServiceError } from "@anneal/contracts";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { openDuckDb, sqlPath } from "./parquet.ts";

export interface DatasetReader {
  readonly rows: number;
  /** Rows `offset` to `offset + limit`, fewer at the end. */
  read(offset: number, limit: number): Promise<DatasetRow[]>;
  /** All rows in order, a chunk of them in memory at a time. */
  all(): AsyncGenerator<DatasetRow>;
  close(): Promise<void>;
}

interface StoredMessage extends Omit<Message, "weight"> {
  weight: 0 | 1 | null;
}

function toRow(messages: unknown, text: unknown): DatasetRow {
  if (typeof text === "string") return { text };
  if (typeof messages !== "string") throw new Error("a row of the dataset file holds neither messages nor text");
  const stored = JSON.parse(messages) as StoredMessage[];
  return {
    messages: stored.map(({ role, content, weight }) =>
      weight === null ? { role, content } : { role, content, weight },
    ),
  };
}

function chunkRows(chunk: DuckDBDataChunk): { number: number; row: DatasetRow }[] {
  const [numbers = [], messages = [], texts = []] = chunk.getColumns();
  return numbers.map((number, i) => ({ number: Number(number), row: toRow(messages[i], texts[i]) }));
}

/** Opens a version's Parquet file for pages and for streaming. */
export async function openVersion(path: string): Promise<DatasetReader> {
  const { connection, close } = await openDuckDb({ memory: "1GB", threads: 1 });
  const source = `read_parquet(${sqlPath(path)})`;
  const select = `select row, to_json(messages)::varchar, text from ${source}`;
  try {
    const [[count] = []] = (await connection.runAndReadAll(`select count(*) from ${source}`)).getRows();
    const rows = Number(count);
    return {
      rows,
      async read(offset, limit) {
        if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(limit) || offset < 0 || limit < 0)
          throw new ServiceError("INVALID_INPUT", "offset and limit must be whole numbers from 0 on", {
            field: "offset",
          });
        const result = await connection.run(
          `${select} where row >= ${offset} and row < ${offset + limit} order by row`,
        );
        return (await result.fetchAllChunks()).flatMap(chunkRows).map(({ row }) => row);
      },
      async *all() {
        const result = await connection.stream(select);
        let expected = 0;
        for (;;) {
          const chunk = await result.fetchChunk();
          if (!chunk || chunk.rowCount === 0) break;
          for (const { number, row } of chunkRows(chunk)) {
            if (number !== expected++) throw new Error(`row ${expected - 1} of ${path} is out of order (${number})`);
            yield row;
          }
        }
        if (expected !== rows) throw new Error(`${path} gave ${expected} of its ${rows} rows`);
      },
      async close() {
        close();
      },
    };
  } catch (error) {
    close();
    throw new ServiceError("UNAVAILABLE", `the dataset file ${path} cannot be read`, {
      remedy: "put the file back from a backup, or upload the dataset again",
      cause: error,
    });
  }
}
