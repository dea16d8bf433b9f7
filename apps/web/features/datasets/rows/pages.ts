/** The pages that hold these rows, each once, in order. */
export const pagesFor = (rows: readonly number[], pageRows: number): number[] =>
  [...new Set(rows.map((row) => Math.floor(row / pageRows)))].sort((a, b) => a - b);
