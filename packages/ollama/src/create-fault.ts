import { OllamaError } from "./error.ts";

const createRemedies: [RegExp, string][] = [
  [/no such file or directory/, "publish again: the uploaded file is gone from the server's store"],
  [/not in GGUF format|exceeds file size|unexpected EOF/, "export the GGUF again: the file is broken"],
  [/llama-quantize unavailable|binary not found/, "install Ollama completely: its llama-quantize program is missing"],
  [
    /llama-quantize/,
    "this llama.cpp refuses the file (key missing, unknown architecture, NaN weights): see Ollama's log",
  ],
  [/template error/, "the Go template does not parse: leave the template to Anneal, or correct it"],
  [/no space left/, "make room on the disk of Ollama's store"],
];

export function createFailed(what: string, detail: string, status: number, cause?: unknown): OllamaError {
  const remedy = createRemedies.find(([pattern]) => pattern.test(detail))?.[1] ?? "see Ollama's log for the cause";
  return new OllamaError("OLLAMA_CREATE_FAILED", `${what}: ${detail}`, { status, detail, remedy, cause });
}
