import { spawn } from "node:child_process";
import { join } from "node:path";
import { type Counts, noCounts, parseClosingLine } from "../support/suite-result.ts";
import { sanitizedBuild } from "./build.ts";

/** Readers of the engine that meet foreign bytes (native/fuzz/readers.h). */
export const nativeReaders = ["gguf", "safetensors", "json", "adapter"] as const;

/** Feeds a reader; a process that ends without a closing line (a crash) counts as one failure. */
export function fuzzReader(
  reader: (typeof nativeReaders)[number],
  runs: number,
  seed: number,
  only?: number,
): Promise<{ counts: Counts; output: string }> {
  const args = [reader, "--runs", String(runs), "--seed", String(seed)];
  if (only !== undefined) args.push("--only", String(only));
  return new Promise((resolve, reject) => {
    const child = spawn(join(sanitizedBuild, "fuzz/fuzz_reader"), args, {
      stdio: ["ignore", "pipe", "pipe"],
      // Every leak and every overflow ends the process; a file may not ask for gigabytes either.
      env: {
        ...process.env,
        ASAN_OPTIONS:
          "detect_leaks=1:abort_on_error=0:exitcode=99:allocator_may_return_null=0:max_allocation_size_mb=1024",
        UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1",
      },
    });
    let output = "";
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", reject);
    child.on("close", (code) => {
      const counts = parseClosingLine(output) ?? noCounts();
      if (code !== 0 && counts.failed === 0) counts.failed = 1;
      resolve({ counts, output });
    });
  });
}
