import { say, wordsOf, wordsOfError } from "@anneal/contracts";
import type { OllamaClient } from "./client.ts";
import { isHalfWritten, isOllamaError, OllamaError } from "./error.ts";
import type { PublishOptions } from "./publish-options.ts";

export async function checkTokens(
  options: PublishOptions,
  client: OllamaClient,
  stagedName: string,
  call: { signal: AbortSignal | undefined },
): Promise<void> {
  if (!options.promptTokens) return;
  const { messages, count } = options.promptTokens;
  const request = { model: stagedName, messages, options: { num_predict: 1, temperature: 0 } };
  const served = (await client.chat(request, call).catch(asLoadFailure(options.name))).promptTokens;
  if (served !== count)
    throw new OllamaError(
      "OLLAMA_TOKEN_MISMATCH",
      say`${options.name}: the server counts ${served} prompt tokens, the trainer ${count}`,
      {
        remedy: say`check the GGUF's tokenizer keys (pre, bos, token types)`,
        data: { served, trained: count },
      },
    );
}

// A model that failed its proof is not left behind; the fault itself is what the caller must hear of.
export async function removingOnFailure<T>(
  client: OllamaClient,
  stagedName: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const proofFailed = isOllamaError(error) && ["OLLAMA_LOAD_FAILED", "OLLAMA_TOKEN_MISMATCH"].includes(error.code);
    if (proofFailed) await client.delete(stagedName).catch(() => false);
    throw error;
  }
}

export const asLoadFailure = (name: string) => (error: unknown) => {
  if (isHalfWritten(error)) throw error;
  if (isOllamaError(error, "OLLAMA_SERVER_ERROR") || isOllamaError(error, "OLLAMA_REFUSED"))
    throw new OllamaError("OLLAMA_LOAD_FAILED", say`${name} was created but cannot be used: ${wordsOfError(error)}`, {
      ...(error.status === undefined ? {} : { status: error.status }),
      detail: error.detail ?? "",
      remedy: wordsOf(error, "remedy") ?? say`look into Ollama's log for the cause`,
      cause: error,
    });
  throw error;
};
