import { say, type Words } from "@anneal/contracts";
import { z } from "zod";
import { OllamaError } from "./error.ts";

// What we read of Ollama's answers; unknown keys are left alone, so that newer servers keep working.
export const VersionReply = z.object({ version: z.string() });

export const ModelDetails = z.object({
  parent_model: z.string().optional(),
  format: z.string().optional(),
  family: z.string().optional(),
  families: z.array(z.string()).nullish(),
  parameter_size: z.string().optional(),
  quantization_level: z.string().optional(),
});
export type ModelDetails = z.infer<typeof ModelDetails>;

export const ListedModel = z.object({
  name: z.string(),
  model: z.string().optional(),
  modified_at: z.string().optional(),
  size: z.number(),
  digest: z.string(), // 64 hex digits: the SHA-256 of the manifest file
  details: ModelDetails.optional(),
  capabilities: z.array(z.string()).nullish(),
});
export type ListedModel = z.infer<typeof ListedModel>;
export const TagsReply = z.object({ models: z.array(ListedModel).nullable() });

export const RunningModel = z.object({
  name: z.string(),
  size: z.number().optional(),
  size_vram: z.number().optional(),
  digest: z.string(),
  expires_at: z.string().optional(),
  context_length: z.number().optional(),
});
export type RunningModel = z.infer<typeof RunningModel>;
export const PsReply = z.object({ models: z.array(RunningModel).nullable() });

export const ChatMessage = z.object({ role: z.string(), content: z.string() });
export type ChatMessage = z.infer<typeof ChatMessage>;

export const ShowReply = z.object({
  modelfile: z.string().optional(),
  parameters: z.string().optional(),
  template: z.string().optional(),
  system: z.string().optional(),
  license: z.string().optional(),
  details: ModelDetails.optional(),
  messages: z.array(ChatMessage).nullish(),
  model_info: z.record(z.string(), z.unknown()).nullish(),
  capabilities: z.array(z.string()).nullish(),
  modified_at: z.string().optional(),
});
export type ShowReply = z.infer<typeof ShowReply>;

export const CreateLine = z.object({
  status: z.string().optional(),
  error: z.string().optional(),
  digest: z.string().optional(),
  total: z.number().optional(),
  completed: z.number().optional(),
});
export type CreateLine = z.infer<typeof CreateLine>;

const nanoseconds = z.number().optional();
export const ChatReply = z.object({
  model: z.string().optional(),
  message: ChatMessage.partial().optional(),
  error: z.string().optional(),
  done: z.boolean().optional(),
  done_reason: z.string().optional(),
  total_duration: nanoseconds,
  load_duration: nanoseconds,
  prompt_eval_count: z.number().optional(),
  prompt_eval_duration: nanoseconds,
  eval_count: z.number().optional(),
  eval_duration: nanoseconds,
  logprobs: z
    .array(
      z.object({
        token: z.string(),
        logprob: z.number(),
        bytes: z.array(z.number()).nullish(),
        top_logprobs: z.array(z.object({ token: z.string(), logprob: z.number() })).nullish(),
      }),
    )
    .nullish(),
  _debug_info: z.object({ rendered_template: z.string() }).optional(),
});
export type ChatReply = z.infer<typeof ChatReply>;

export function parseReply<T>(schema: z.ZodType<T>, value: unknown, what: Words): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") || "the answer";
  throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: ${where} of the answer is not as expected: ${issue?.message}`, {
    remedy: say`check that the address belongs to an Ollama server, and its version`,
    detail: JSON.stringify(value)?.slice(0, 500),
  });
}
