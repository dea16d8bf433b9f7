import type { Message } from "@anneal/contracts";
import { type ChatMessage, type PublishOptions, standardRenderCases } from "@anneal/ollama";
import type { deployments } from "@anneal/services";
import { encodePrompt, loadTextModel, renderChat } from "@anneal/text";
import type { WorkerContext } from "../worker-context.ts";
import { servedContext } from "./served-context.ts";

type Row = NonNullable<Awaited<ReturnType<typeof deployments.execution.claimDeployment>>>["row"];
const question: ChatMessage[] = [{ role: "user", content: "Hello, can you help me?" }];

/**
 * What Ollama must do with this file: prompts rendered like ours, the same number of tokens, our stop texts. Template and
 * tokenizer are read from the very file that is published.
 */
export async function publishOptions(context: WorkerContext, row: Row, ggufPath: string): Promise<PublishOptions> {
  const { metadata } = context.services.engine.readGgufMetadata(ggufPath);
  const model = loadTextModel({ kind: "gguf", metadata });
  const asOurs = (messages: ChatMessage[]) => messages as Message[];
  const render = (messages: ChatMessage[]) => renderChat(model, asOurs(messages), { addGenerationPrompt: true });
  const { system } = row;
  const asked = system ? [{ role: "system", content: system }, ...question] : question;
  return {
    name: row.name,
    ggufPath,
    conversations: standardRenderCases(render, { system }),
    render,
    system,
    parameters: { ...(await servedContext(context, row, metadata)), ...row.parameters },
    stop: [...model.stopStrings, ...model.stopTokens.map((id) => model.tokenizer.tokenText(id))],
    bos: model.bosText === null ? null : { text: model.bosText, addedByTokenizer: model.addsBos },
    promptTokens: { messages: asked, count: encodePrompt(model, asOurs(asked)).length },
  };
}
