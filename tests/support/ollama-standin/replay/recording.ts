import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export interface Recording {
  id: string;
  title: string;
  request: {
    method: string;
    path: string;
    body?: unknown;
    body_note?: string;
    headers?: Record<string, string>;
  };
  response: {
    status?: number | null;
    headers?: Record<string, string>;
    body?: unknown;
    body_text?: string;
    lines?: unknown[];
    sse?: unknown[];
  };
  disk?: { manifest?: unknown; contents?: Record<string, string>; path?: string };
}

// One recorded upload is told only as "320 bytes of text"; another text of that length stands for it, so its digest too.
export const wrongText = Buffer.from("sixteen letters\n".repeat(20));
const recordedWrong = "c75f18057005090980b726309575a18d78487d47b79a227a75d2668bd148e3b1";
const wrongDigest = createHash("sha256").update(wrongText).digest("hex");

export const readRecordings = (path: string): Recording[] =>
  JSON.parse(readFileSync(path, "utf8").replaceAll(recordedWrong, wrongDigest));

// What is not stood in for, and why: none of it is met by publishing or reconciling.
const outside: [pattern: RegExp, reason: string][] = [
  [/^safetensors\.(model|show|chat)$/, "conversion of safetensors"],
  [/^openai\.(chat|completions|embeddings)|^native\.openai$/, "OpenAI-shaped chat"],
  [/^limits\./, "limits on loaded models and the queue of loads"],
  [/\.format\./, "constrained output"],
  // Two names stand for one file there; which of them is listed hangs on how long before the other was used.
  [/^chat\.ps$/, "the name of a shared runner after a pause that is not recorded"],
  [/^live\.cancel$|^blobs\.post\.inflight$/, "several connections at once"],
];
export const outOfScope = (id: string): string | null => outside.find(([pattern]) => pattern.test(id))?.[1] ?? null;
