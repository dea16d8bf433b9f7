import { ServiceError, say } from "@anneal/contracts";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`;

// DuckDB reads * ? [ in a path as a pattern; a folder named so would be misread.
export function sqlPath(path: string): string {
  if (/[*?[\]{}]/.test(path))
    throw new ServiceError("INVALID_INPUT", say`the path ${path} holds one of * ? [ ] { }`, {
      field: "ANNEAL_HOME",
      remedy: say`move Anneal's home to a folder without these characters`,
    });
  return quoted(path);
}

interface DuckDbOptions {
  memory: string;
  threads: number;
  spillFolder?: string;
  keepOrder?: boolean;
}

/** A DuckDB of its own, in memory, that loads nothing from elsewhere and keeps to its share of memory. */
export async function withDuckDb<T>(
  options: DuckDbOptions,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { connection, close } = await openDuckDb(options);
  try {
    return await work(connection);
  } finally {
    close();
  }
}

export async function openDuckDb(options: DuckDbOptions) {
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: options.memory,
    threads: String(options.threads),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    preserve_insertion_order: String(options.keepOrder ?? true),
    temp_directory: options.spillFolder ?? "",
  });
  const connection = await instance.connect();
  return {
    connection,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

const list = "'STRUCT(role VARCHAR, content VARCHAR, weight DOUBLE, reasoning_content VARCHAR)[]'";
/** Columns of a version's file beside the row's number, with their types. A row fills those of its kind. */
const columns = {
  messages: list,
  text: "'VARCHAR'",
  prompt: list,
  chosen: list,
  rejected: list,
  completion: list,
  desirable: "'BOOLEAN'",
  source: "'VARCHAR'",
};
export const columnNames = Object.keys(columns) as (keyof typeof columns)[];
export const isList = (name: keyof typeof columns): boolean => columns[name] === list;
const declared = `columns={row:'BIGINT', ${Object.entries(columns)
  .map(([name, type]) => `${name}:${type}`)
  .join(", ")}}`;

/** Numbered canonical JSON lines to Parquet; the row numbers let a page be found without reading what lies before it. */
export async function jsonLinesToParquet(
  from: string,
  to: string,
  longestBytes: number,
  spillFolder: string,
): Promise<void> {
  // Row groups limited by bytes (and reads, which are twice the longest object), so that long rows do not pile up; DuckDB does that only where it need not keep an order
  // among threads. One thread has no other order than the file's, and the caller reads it all back and compares.
  await withDuckDb({ memory: "1GB", threads: 1, spillFolder, keepOrder: false }, async (connection) => {
    await connection.run(
      `copy (select row, ${columnNames.join(", ")} from read_json(${sqlPath(from)}, format='newline_delimited', ${declared},
         maximum_object_size=${Math.max(1 << 20, longestBytes + 1024)}, maximum_depth=-1))
       to ${sqlPath(to)} (format parquet, compression zstd, row_group_size 8192, row_group_size_bytes '32MB')`,
    );
  });
}
