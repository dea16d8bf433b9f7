import { createHash } from "node:crypto";
import { type Answerer, StopBuffer } from "./llama.ts";

const words = "one two three four five six seven eight nine ten".split(" ");

// An answer that nobody can take for a model's: for files that real llama.cpp does not load here, and for tests that need
// no model at all. The same prompt gives the same text.
export const markedAnswerer: Answerer = {
  async *answer(prompt, options, signal) {
    const seed = createHash("sha256").update(prompt.join(",")).digest();
    const pieces = ["[stand-in answer]", ...Array.from({ length: 6 }, (_, i) => ` ${words[(seed[i] ?? 0) % 10]}`)];
    const buffer = new StopBuffer(options.stop);
    let tokens = 0;
    for (const word of pieces) {
      if (signal.aborted) break;
      tokens += 1;
      const { text, stopped } = buffer.add(word);
      if (text !== "")
        yield options.topLogprobs === null
          ? { text }
          : { text, logprob: { token: text, logprob: -0.5, bytes: [...Buffer.from(text)] } };
      if (stopped) return { reason: "stop", tokens };
      if (options.numPredict >= 0 && tokens >= options.numPredict) return { reason: "length", tokens };
    }
    const rest = buffer.rest();
    if (rest !== "") yield { text: rest };
    return { reason: "stop", tokens: tokens + 1 };
  },
  async close() {},
};
