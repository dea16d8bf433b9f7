import { type DatasetRow, type Message, ServiceError, say } from "@anneal/contracts";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { columnNames, isList, openDuckDb, sqlPath } from "./parquet.ts";

export interface DatasetReader {
  readonly rows: number;
  /** Rows `offset` to `offset + limit`, fewer at the end. */
  read(offset: number, limit: number): Promise<DatasetRow[]>;
  /** All rows in order, a chunk of them in memory at a time. */
  all(): AsyncGenerator<DatasetRow>;
  close(): Promise<void>;
}

interface StoredMessage extends Omit<Message, "weight" | "reasoning_content"> {
  weight: number | null;
  reasoning_content?: string | null; // files of older versions lack it
}

type Name = (typeof columnNames)[number];
type Columns = Partial<Record<Name, readonly unknown[]>>;

const listOf = (value: unknown): Message[] =>
  (JSON.parse(value as string) as StoredMessage[]).map(({ role, content, weight, reasoning_content }) => ({
    role,
    content,
    ...(weight === null ? {} : { weight }),
    ...(typeof reasoning_content === "string" ? { reasoning_content } : {}),
  }));

function answersAt(c: Columns, i: number): DatasetRow {
  if (typeof c.text?.[i] === "string") return { text: c.text[i] };
  if (typeof c.messages?.[i] === "string") return { messages: listOf(c.messages[i]) };
  if (typeof c.chosen?.[i] === "string")
    return { prompt: listOf(c.prompt?.[i]), chosen: listOf(c.chosen[i]), rejected: listOf(c.rejected?.[i]) };
  if (typeof c.completion?.[i] === "string")
    return {
      prompt: listOf(c.prompt?.[i]),
      completion: listOf(c.completion[i]),
      desirable: c.desirable?.[i] === true,
    };
  throw new Error("a row of the dataset file holds neither messages nor text nor answers");
}

function rowAt(c: Columns, i: number): DatasetRow {
  const row = answersAt(c, i);
  const source = c.source?.[i];
  return typeof source === "string" ? { ...row, source } : row;
}

function chunkRows(chunk: DuckDBDataChunk, names: readonly Name[]): { number: number; row: DatasetRow }[] {
  const [numbers = [], ...values] = chunk.getColumns();
  const columns: Columns = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  return numbers.map((number, i) => ({ number: Number(number), row: rowAt(columns, i) }));
}

export const unreadable = (path: string, cause: unknown): ServiceError =>
  new ServiceError("UNAVAILABLE", say`the dataset file ${path} cannot be read`, {
    remedy: say`put the file back from a backup, or upload the dataset again`,
    cause,
  });

/** Opens a Parquet file of rows for pages and for streaming; what it gives is not proven (see openVersion). */
export async function openParquet(path: string): Promise<DatasetReader> {
  const { connection, close } = await openDuckDb({ memory: "1GB", threads: 1 });
  const source = `read_parquet(${sqlPath(path)})`;
  try {
    // Files of older versions lack columns that came later.
    const there = (await connection.runAndReadAll(`describe select * from ${source}`)).getRows().map(([name]) => name);
    const names = columnNames.filter((name) => there.includes(name));
    const expressions = names.map((name) => (isList(name) ? `to_json(${name})::varchar` : name));
    const select = `select ${["row", ...expressions].join(", ")} from ${source}`;
    const [[count] = []] = (await connection.runAndReadAll(`select count(*) from ${source}`)).getRows();
    const rows = Number(count);
    return {
      rows,
      async read(offset, limit) {
        if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(limit) || offset < 0 || limit < 0)
          throw new ServiceError("INVALID_INPUT", say`offset and limit must be whole numbers from 0 on`, {
            field: "offset",
          });
        const result = await connection.run(
          `${select} where row >= ${offset} and row < ${offset + limit} order by row`,
        );
        return (await result.fetchAllChunks()).flatMap((chunk) => chunkRows(chunk, names)).map(({ row }) => row);
      },
      async *all() {
        const result = await connection.stream(select);
        let expected = 0;
        for (;;) {
          const chunk = await result.fetchChunk();
          if (!chunk || chunk.rowCount === 0) break;
          for (const { number, row } of chunkRows(chunk, names)) {
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
    throw unreadable(path, error);
  }
}
