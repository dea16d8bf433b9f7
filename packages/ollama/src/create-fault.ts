import { say, type Words } from "@anneal/contracts";
import { OllamaError } from "./error.ts";

const createRemedies: [RegExp, Words][] = [
  [/no such file or directory/, say`publish again: the uploaded file is gone from the server's store`],
  [/not in GGUF format|exceeds file size|unexpected EOF/, say`export the GGUF again: the file is broken`],
  [
    /llama-quantize unavailable|binary not found/,
    say`install Ollama completely: its llama-quantize program is missing`,
  ],
  [
    /llama-quantize/,
    say`this llama.cpp refuses the file (key missing, unknown architecture, NaN weights): see Ollama's log`,
  ],
  [/template error/, say`the Go template does not parse: leave the template to Anneal, or correct it`],
  [/no space left/, say`make room on the disk of Ollama's store`],
];

export function createFailed(what: Words, detail: string, status: number, cause?: unknown): OllamaError {
  const remedy = createRemedies.find(([pattern]) => pattern.test(detail))?.[1] ?? say`see Ollama's log for the cause`;
  return new OllamaError("OLLAMA_CREATE_FAILED", say`${what}: ${detail}`, { status, detail, remedy, cause });
}
