import { inWords, type Phrase, say, wordsOf, wordsOfError } from "@anneal/contracts";
import type { CreateRequest, OllamaClient } from "./client.ts";
import { isOllamaError, OllamaError } from "./error.ts";
import { deriveGoTemplate } from "./go-template.ts";
import type { HashedFile } from "./hash.ts";
import { displayModelName, type ModelName } from "./names.ts";
import type { ProgressReporter } from "./progress.ts";
import { asLoadFailure, removingOnFailure } from "./prove.ts";
import {
  createParameters,
  fingerprint,
  type PublishDeps,
  type PublishOptions,
  type TemplateChoice,
} from "./publish-options.ts";
import { firstDifference, mismatchError, type RenderDifference } from "./render-check.ts";
import { stagingName } from "./slots.ts";

export interface Staged {
  name: string;
  choice: TemplateChoice;
  differences: RenderDifference[];
}

// Creates the model under its staging name and compares prompts; where they differ and no template was given, tries
// again with one derived from our own renderer.
export async function stage(
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
  const derive = (): TemplateChoice & { reason: Phrase | null } => {
    if (!options.render)
      return { source: "derived", template: null, reason: say`no renderer to derive a template from` };
    const derived = deriveGoTemplate(options.render, { dropPrefix: bosText });
    if (derived.template === null) return { source: "derived", template: null, reason: derived.reason };
    return { source: "derived", template: derived.template, reason: null };
  };
  // The server renders with the GGUF's own Jinja when it detects nothing, and that would put a second bos.
  const candidates: (() => TemplateChoice & { reason?: Phrase | null })[] = options.template
    ? [() => ({ source: "given", template: options.template ?? null })]
    : [() => ({ source: "server", template: null }), derive];
  let failure: { differences: RenderDifference[]; reason: Phrase | null } | null = null;
  for (const candidate of candidates) {
    const choice = candidate();
    if (choice.source === "derived" && choice.template === null) {
      if (failure) failure.reason = choice.reason ?? null;
      break;
    }
    const stagedName = stagingName(name, fingerprint(options, file.digest, choice.template));
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
  throw new OllamaError(error.code, say`${wordsOfError(error)}; no Go template could be derived: ${failure.reason}`, {
    remedy: wordsOf(error, "remedy") ?? "",
    data: { differences: failure.differences, reason: inWords(failure.reason) },
  });
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
  const wrong = (what: Phrase) =>
    new OllamaError("OLLAMA_PROTOCOL", say`${stagedName}: the server shows another ${what} than was sent`, {
      remedy: say`publish again; something else may have written that name`,
    });
  if (choice.template !== null && shown.template !== choice.template) throw wrong(say`template`);
  if (options.system && shown.system !== options.system) throw wrong(say`system text`);
  if (shown.capabilities && !shown.capabilities.includes("completion"))
    throw new OllamaError(
      "OLLAMA_LOAD_FAILED",
      say`${options.name}: the server takes this model for ${shown.capabilities.join(", ")} only`,
      {
        remedy: say`export the GGUF without a pooling type`,
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
