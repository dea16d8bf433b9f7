// Text from models, datasets and other people must not steer the terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
export const safe = (text: string): string => text.replace(control, "\ufffd");
export const oneLine = (text: string, max = 100): string => {
  const flat = safe(text).replace(/\s+/g, " ").trim();
  return flat.length <= max ? flat : `${flat.slice(0, max - 1)}…`;
};

const units = ["B", "KiB", "MiB", "GiB", "TiB"];
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "-";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

export const percent = (share: number | null): string => (share === null ? "-" : `${(share * 100).toFixed(1)}%`);
export const day = (iso: string | null): string => (iso === null ? "-" : iso.slice(0, 16).replace("T", " "));

const cellWidth = 60;

/** Rows under their headings, columns as wide as needed. On a terminal long cells are cut, but for the first: that is what one copies. */
export function table(headings: string[], rows: string[][], isTerminal = process.stdout.isTTY): string {
  const widest = (column: number) => (isTerminal && column > 0 ? cellWidth : Number.POSITIVE_INFINITY);
  const lines = [headings, ...rows].map((row) => row.map((cell, column) => oneLine(cell, widest(column))));
  const widths = headings.map((_, column) => Math.max(...lines.map((row) => (row[column] ?? "").length)));
  return lines
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
