import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { JournalLine } from "@anneal/contracts";
import { decodeLine, journalPath, readJournal } from "./journal-file.ts";

/** Reads an attempt's journal as it grows, after what earlier attempts left; each line once. */
export class JournalTail {
  private handle: number | null = null;
  private offset = 0;
  private rest = Buffer.alloc(0);
  private sawHeader = false;
  private caughtUp = false;

  constructor(
    private readonly runDirectory: string,
    private readonly attempt: number,
    private afterNumber: number,
  ) {}

  /** The lines after the last one given, up to `number`, at most `limit`. */
  async read(number: number, limit: number): Promise<JournalLine[]> {
    const lines: JournalLine[] = [];
    if (!this.caughtUp) {
      // Earlier attempts' lines count as this attempt's header cuts them, so it must be there first.
      if (!existsSync(journalPath(this.runDirectory, this.attempt))) return lines;
      for await (const line of readJournal(this.runDirectory, {
        attempt: this.attempt,
        afterNumber: this.afterNumber,
      })) {
        if (line.number > number || lines.length === limit) return this.give(lines);
        lines.push(line);
      }
      this.caughtUp = true;
      return this.give(lines);
    }
    for (let line = this.next(); line; line = this.next()) {
      if (line.number > this.afterNumber) lines.push(line);
      if (line.number >= number || lines.length === limit) break;
    }
    return this.give(lines);
  }

  private give(lines: JournalLine[]): JournalLine[] {
    this.afterNumber = lines.at(-1)?.number ?? this.afterNumber;
    return lines;
  }

  private next(): JournalLine | null {
    for (;;) {
      const end = this.rest.indexOf(0x0a);
      if (end >= 0) {
        const value = decodeLine(this.rest.toString("utf8", 0, end));
        this.rest = this.rest.subarray(end + 1);
        if (value === undefined) throw new Error("the journal holds a damaged line that was told as whole");
        if (this.sawHeader) return JournalLine.parse(value);
        this.sawHeader = true;
        continue;
      }
      this.handle ??= openSync(journalPath(this.runDirectory, this.attempt), "r");
      const chunk = Buffer.alloc(1 << 16);
      const got = readSync(this.handle, chunk, 0, chunk.length, this.offset);
      if (got === 0) return null;
      this.offset += got;
      this.rest = Buffer.concat([this.rest, chunk.subarray(0, got)]);
    }
  }

  close(): void {
    if (this.handle !== null) closeSync(this.handle);
    this.handle = null;
  }
}
