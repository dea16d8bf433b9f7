import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repoRoot } from "../../support/paths.ts";

export const loraPeer = join(repoRoot, "tests/bench/peers/lora_step.py");
/** Where the peer runs its head: on trained positions, as we do, or on all, as training scripts do. */
export type PeerHead = "supervised" | "all";
export interface PeerStep {
  seconds: number;
  loss: number;
  peak_rss_bytes: number;
}

/** A process that answers every line with one line of JSON. */
export class LineProcess<Answer> {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  constructor(program: string, args: string[]) {
    this.child = spawn(program, args);
    this.child.stderr.pipe(process.stderr);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  ask(line: string): Promise<Answer> {
    this.child.stdin.write(`${line}\n`);
    return this.next<Answer>();
  }
  /** The next line, asked for or not. */
  async next<Line>(): Promise<Line> {
    const answer = await this.lines.next();
    if (answer.done) throw new Error("the process ended early; see its message above");
    return JSON.parse(answer.value);
  }
  end() {
    this.child.stdin.end();
  }
}
