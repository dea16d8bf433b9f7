// Caps for foreign files. A line or value above its cap is reported and skipped without ever being held whole.
export interface Limits {
  fileBytes: number;
  lineBytes: number; // one line of JSONL, one value of a JSON array, one record of a table
  rows: number;
  jsonDepth: number;
  messages: number; // of one row
  columns: number;
  badLinesKept: number;
  previewRows: number;
  textRowCharacters: number; // plain text is cut into rows of at most this length
}

const mib = 1024 ** 2;
export const defaultLimits: Limits = {
  fileBytes: 64 * 1024 * mib,
  lineBytes: 8 * mib,
  rows: 20_000_000,
  jsonDepth: 32,
  messages: 2000,
  columns: 1000,
  badLinesKept: 200,
  previewRows: 20,
  textRowCharacters: 4000,
};
