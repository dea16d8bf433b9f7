import { createHash } from "node:crypto";
import type { CreateRequest, OllamaClient, ParameterValue } from "./client.ts";
import { isOllamaError, OllamaError } from "./error.ts";
import { deriveGoTemplate, type RenderConversation } from "./go-template.ts";
import { type HashedFile, hashFile } from "./hash.ts";
import { displayModelName, type ModelName } from "./names.ts";
import { ProgressReporter, type PublishProgress } from "./progress.ts";
import { firstDifference, mismatchError, type RenderCase, type RenderDifference } from "./render-check.ts";
import type { ChatMessage } from "./replies.ts";
import { digestOf, parseServedName, previousName, stagingName } from "./slots.ts";

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

export interface PublishResult {
  name: string;
  digest: string; // of the manifest, 64 hex digits, as /api/tags shows it
  previousDigest: string | null; // what stood under the name before; kept under `previousName`
  previousName: string | null;
  unchanged: boolean; // the name stood for exactly this model already
  ggufDigest: string;
  ggufBytes: number;
  uploaded: boolean;
  templateSource: "server" | "derived" | "given";
  template: string | null;
  toleratedDifferences: RenderDifference[];
  answer: { content: string; promptTokens: number; answerTokens: number; loadSeconds: number };
}

type TemplateChoice = { source: PublishResult["templateSource"]; template: string | null };

const maxRestarts = 3;
const smokeDefault = { messages: [{ role: "user", content: "Hello" }], maxTokens: 16 };

// Makes `name` serve the GGUF, in phases that may be cut off anywhere and run again, also twice at the same time. The
// model is made and proven under NAME:anneal-<digest12>; only then is it copied onto its final name, which therefore
// always stands for a whole, proven model.
export async function publish(options: PublishOptions, deps: PublishDeps): Promise<PublishResult> {
  const name = parseServedName(options.name);
  if (options.conversations.length === 0)
    throw new OllamaError("OLLAMA_RENDER_MISMATCH", "no conversation to compare the server's prompt with", {
      remedy: "pass standardRenderCases(render)",
    });
  const progress = new ProgressReporter(deps.onProgress, deps.now);
  const call = { signal: deps.signal };
  progress.enter("hash");
  const file = await hashFile(options.ggufPath, { onBytes: (done, total) => progress.bytes(done, total), ...call });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await stageAndActivate(options, deps, name, file, progress);
    } catch (error) {
      // Another publication of the same model finished and removed the staging name we were working on.
      if (!isOllamaError(error, "OLLAMA_NOT_FOUND") || attempt === maxRestarts) throw error;
      progress.note("the staged model was removed meanwhile; starting over");
    }
  }
}

async function stageAndActivate(
  options: PublishOptions,
  deps: PublishDeps,
  name: ModelName,
  file: HashedFile,
  progress: ProgressReporter,
): Promise<PublishResult> {
  const { client } = deps;
  const call = { signal: deps.signal };
  progress.enter("head");
  let uploaded = false;
  const ensureBlob = async () => {
    if (await client.hasBlob(file.digest, call)) return;
    progress.enter("upload");
    const outcome = await client.upload(file, { onBytes: (sent, total) => progress.bytes(sent, total), ...call });
    uploaded ||= outcome === "created";
  };
  await ensureBlob();

  const staged = await stage(options, deps, name, file, progress, ensureBlob);
  const stagedDigest = await digestOf(client, staged.name, call);
  if (!stagedDigest) throw new OllamaError("OLLAMA_NOT_FOUND", `${staged.name} is not listed after its creation`);

  progress.enter("load");
  const answer = await removingOnFailure(client, staged.name, async () => {
    await client.load(staged.name, call).catch(asLoadFailure(options.name));
    progress.enter("smoke");
    await checkTokens(options, client, staged.name, call);
    const smoke = options.smoke ?? smokeDefault;
    const request = {
      model: staged.name,
      messages: smoke.messages,
      options: { num_predict: smoke.maxTokens, temperature: 0 },
    };
    const answer = await client.chatStream(request, () => undefined, call).catch(asLoadFailure(options.name));
    if (answer.answerTokens < 1)
      throw new OllamaError("OLLAMA_LOAD_FAILED", `${options.name} generated no token at all`, {
        remedy: "look into Ollama's log, and at the model's end token",
      });
    return answer;
  });

  progress.enter("activate");
  const finalName = displayModelName(name);
  const keptName = previousName(name);
  const before = await digestOf(client, finalName, call);
  const unchanged = before === stagedDigest;
  if (!unchanged) {
    if (before) await client.copy(finalName, keptName, call);
    await client.copy(staged.name, finalName, call);
  }
  progress.enter("clean");
  await client.delete(staged.name, call);
  const kept = await digestOf(client, keptName, call);
  progress.finish();
  return {
    name: finalName,
    digest: stagedDigest,
    previousDigest: kept,
    previousName: kept ? keptName : null,
    unchanged,
    ggufDigest: file.digest,
    ggufBytes: file.bytes,
    uploaded,
    templateSource: staged.choice.source,
    template: staged.choice.template,
    toleratedDifferences: staged.differences,
    answer: {
      content: answer.content,
      promptTokens: answer.promptTokens,
      answerTokens: answer.answerTokens,
      loadSeconds: answer.loadSeconds,
    },
  };
}

interface Staged {
  name: string;
  choice: TemplateChoice;
  differences: RenderDifference[];
}

// Creates the model under its staging name and compares prompts; where they differ and no template was given, tries
// again with one derived from our own renderer.
async function stage(
  options: PublishOptions,
  deps: PublishDeps,
  name: ModelName,
  file: HashedFile,
  progress: ProgressReporter,
  ensureBlob: () => Promise<void>,
): Promise<Staged> {
  const { client } = deps;
  const call = { signal: deps.signal };
  const bosText = options.bos?.addedByTokenizer ? options.bos.text : "";
  const derive = (): TemplateChoice & { reason: string | null } => {
    if (!options.render) return { source: "derived", template: null, reason: "no renderer to derive a template from" };
    const derived = deriveGoTemplate(options.render, { dropPrefix: bosText });
    if (derived.template === null) return { source: "derived", template: null, reason: derived.reason };
    return { source: "derived", template: derived.template, reason: null };
  };
  // The server renders with the GGUF's own Jinja when it detects nothing, and that would put a second bos.
  const candidates: (() => TemplateChoice & { reason?: string | null })[] = options.template
    ? [() => ({ source: "given", template: options.template ?? null })]
    : [() => ({ source: "server", template: null }), derive];
  let failure: { differences: RenderDifference[]; reason: string | null } | null = null;
  for (const candidate of candidates) {
    const choice = candidate();
    if (choice.source === "derived" && choice.template === null) {
      if (failure) failure.reason = choice.reason ?? null;
      break;
    }
    const stagedName = stagingName(name, fingerprint(options, file, choice));
    progress.enter("create", choice.source === "derived" ? "with a template of our own" : null);
    await createStaged(options, client, stagedName, file, choice, progress, ensureBlob, call);
    progress.enter("show");
    await checkShow(options, client, stagedName, choice, call);
    progress.enter("render");
    const differences = await removingOnFailure(client, stagedName, () =>
      compareRenderings(options, client, stagedName, bosText, call).catch(asLoadFailure(options.name)),
    );
    if (!differences.some((d) => d.required)) return { name: stagedName, choice, differences };
    failure = { differences, reason: null };
    await client.delete(stagedName, call);
  }
  const error = mismatchError(displayModelName(name), failure?.differences ?? []);
  if (!failure?.reason) throw error;
  throw new OllamaError(error.code, `${error.message}; no Go template could be derived: ${failure.reason}`, {
    remedy: error.remedy ?? "",
    data: { differences: failure.differences, reason: failure.reason },
  });
}

// Every input that shapes the model: the same publication always works under the same staging name.
function fingerprint(options: PublishOptions, file: HashedFile, choice: TemplateChoice): string {
  const shape = [
    file.digest,
    choice.template,
    options.system ?? null,
    createParameters(options),
    options.license ?? null,
  ];
  return createHash("sha256").update(JSON.stringify(shape)).digest("hex");
}

function createParameters(options: PublishOptions): Record<string, ParameterValue> {
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

async function createStaged(
  options: PublishOptions,
  client: OllamaClient,
  stagedName: string,
  file: HashedFile,
  choice: TemplateChoice,
  progress: ProgressReporter,
  ensureBlob: () => Promise<void>,
  call: { signal: AbortSignal | undefined },
): Promise<void> {
  const parameters = createParameters(options);
  const request: CreateRequest = {
    model: stagedName,
    files: { "model.gguf": file.digest },
    ...(choice.template === null ? {} : { template: choice.template }),
    ...(options.system ? { system: options.system } : {}),
    ...(options.license ? { license: options.license } : {}),
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
  };
  const onLine = (line: { status?: string; completed?: number; total?: number }) => {
    if (line.completed !== undefined && line.total) progress.bytes(line.completed, line.total);
    else if (line.status) progress.note(line.status);
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.create(request, { onLine, ...call });
      return;
    } catch (error) {
      // A server restart prunes uploads that no model uses yet.
      const lostBlob =
        isOllamaError(error, "OLLAMA_CREATE_FAILED") && /no such file or directory/.test(error.detail ?? "");
      if (!lostBlob || attempt === 2) throw error;
      await ensureBlob();
    }
  }
}

async function checkShow(
  options: PublishOptions,
  client: OllamaClient,
  stagedName: string,
  choice: TemplateChoice,
  call: { signal: AbortSignal | undefined },
): Promise<void> {
  const shown = await client.show(stagedName, call);
  const wrong = (what: string) =>
    new OllamaError("OLLAMA_PROTOCOL", `${stagedName}: the server shows another ${what} than was sent`, {
      remedy: "publish again; something else may have written that name",
    });
  if (choice.template !== null && shown.template !== choice.template) throw wrong("template");
  if (options.system && shown.system !== options.system) throw wrong("system text");
  if (shown.capabilities && !shown.capabilities.includes("completion"))
    throw new OllamaError(
      "OLLAMA_LOAD_FAILED",
      `${options.name}: the server takes this model for ${shown.capabilities.join(", ")} only`,
      {
        remedy: "export the GGUF without a pooling type",
      },
    );
}

async function compareRenderings(
  options: PublishOptions,
  client: OllamaClient,
  stagedName: string,
  bosText: string,
  call: { signal: AbortSignal | undefined },
): Promise<RenderDifference[]> {
  const differences: RenderDifference[] = [];
  for (const { id, messages, rendered, required } of options.conversations) {
    const ours = bosText !== "" && rendered.startsWith(bosText) ? rendered.slice(bosText.length) : rendered;
    const difference = firstDifference(ours, await client.renderedPrompt(stagedName, messages, call));
    if (difference) differences.push({ id, required, ...difference });
  }
  return differences;
}

async function checkTokens(
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
      `${options.name}: the server counts ${served} prompt tokens, the trainer ${count}`,
      {
        remedy: "check the GGUF's tokenizer keys (pre, bos, token types)",
        data: { served, trained: count },
      },
    );
}

// A model that failed its proof is not left behind; the fault itself is what the caller must hear of.
async function removingOnFailure<T>(client: OllamaClient, stagedName: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const proofFailed = isOllamaError(error) && ["OLLAMA_LOAD_FAILED", "OLLAMA_TOKEN_MISMATCH"].includes(error.code);
    if (proofFailed) await client.delete(stagedName).catch(() => false);
    throw error;
  }
}

const asLoadFailure = (name: string) => (error: unknown) => {
  if (isOllamaError(error, "OLLAMA_SERVER_ERROR") || isOllamaError(error, "OLLAMA_REFUSED"))
    throw new OllamaError("OLLAMA_LOAD_FAILED", `${name} was created but cannot be used: ${error.message}`, {
      ...(error.status === undefined ? {} : { status: error.status }),
      detail: error.detail ?? "",
      remedy: error.remedy ?? "look into Ollama's log for the cause",
      cause: error,
    });
  throw error;
};
