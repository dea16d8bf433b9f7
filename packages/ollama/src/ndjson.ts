import { say, type Words } from "@anneal/contracts";
import { OllamaError } from "./error.ts";

const maxLineBytes = 64 * 1024 * 1024;

// Cuts a byte stream into JSON lines. A last line without a newline counts; anything that is not JSON is a fault.
export async function* jsonLines(body: AsyncIterable<Buffer>, what: Words): AsyncIterable<unknown> {
  const parse = (line: string): unknown => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: a line of the answer is not JSON: ${line.slice(0, 200)}`, {
        cause: error,
      });
    }
  };
  let parts: Buffer[] = [];
  let pending = 0;
  for await (const piece of body) {
    let start = 0;
    for (let end = piece.indexOf(10, start); end >= 0; end = piece.indexOf(10, start)) {
      const line = Buffer.concat([...parts, piece.subarray(start, end)]).toString("utf8");
      parts = [];
      pending = 0;
      start = end + 1;
      if (line.trim() !== "") yield parse(line);
    }
    const rest = piece.subarray(start);
    pending += rest.length;
    if (pending > maxLineBytes)
      throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: a line of the answer is longer than ${maxLineBytes} bytes`);
    if (rest.length > 0) parts.push(rest);
  }
  const last = Buffer.concat(parts).toString("utf8");
  if (last.trim() !== "") yield parse(last);
}
