import { createHash } from "node:crypto";
import type { OllamaClient, ParameterValue } from "./client.ts";
import type { RenderConversation } from "./go-template.ts";
import type { PublishProgress } from "./progress.ts";
import type { RenderCase } from "./render-check.ts";
import type { ChatMessage } from "./replies.ts";

export interface PublishOptions {
  name: string;
  ggufPath: string;
  // Renderings by our own template of what the server must render alike (`standardRenderCases` makes a good set).
  conversations: RenderCase[];
  // Asked for more renderings when the server renders otherwise, so that a Go template can be derived.
  render?: RenderConversation;
  // A template of the user's own; it is checked, never replaced.
  template?: string | null;
  system?: string | null;
  parameters?: Record<string, ParameterValue>;
  stop?: string[]; // becomes parameters.stop; at least the end-of-turn token
  license?: string | null;
  // The bos text of the chat template, and whether the GGUF says `add_bos_token`: then the server would put two.
  bos?: { text: string; addedByTokenizer: boolean } | null;
  // Number of prompt tokens that the trainer's tokenizer gives; compared with the server's count where known.
  promptTokens?: { messages: ChatMessage[]; count: number } | null;
  smoke?: { messages: ChatMessage[]; maxTokens: number };
}

export interface PublishDeps {
  client: OllamaClient;
  onProgress?: (progress: PublishProgress) => void;
  signal?: AbortSignal;
  now?: () => number;
}

export type TemplateChoice = { source: "server" | "derived" | "given"; template: string | null };

// Every input that shapes the model: the same publication always works under the same staging name.
export function fingerprint(options: PublishOptions, ggufDigest: string, template: string | null): string {
  const shape = [ggufDigest, template, options.system ?? null, createParameters(options), options.license ?? null];
  return createHash("sha256").update(JSON.stringify(shape)).digest("hex");
}

export function createParameters(options: PublishOptions): Record<string, ParameterValue> {
  const parameters: Record<string, ParameterValue> = {};
  for (const key of Object.keys(options.parameters ?? {}).sort()) {
    const value = options.parameters?.[key];
    if (value !== undefined) parameters[key] = value;
  }
  // A bare string would be stored and make every later chat fail.
  if (typeof parameters.stop === "string") parameters.stop = [parameters.stop];
  const given = Array.isArray(parameters.stop) ? parameters.stop : [];
  const stop = [...new Set([...given, ...(options.stop ?? [])])].filter((text) => text !== "");
  if (stop.length > 0) parameters.stop = stop;
  return parameters;
}
