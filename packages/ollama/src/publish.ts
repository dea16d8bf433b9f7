import { say } from "@anneal/contracts";
import { isHalfWritten, isOllamaError, OllamaError } from "./error.ts";
import { type HashedFile, hashFile } from "./hash.ts";
import { displayModelName, type ModelName } from "./names.ts";
import { ProgressReporter } from "./progress.ts";
import { asLoadFailure, checkTokens, removingOnFailure } from "./prove.ts";
import type { PublishDeps, PublishOptions } from "./publish-options.ts";
import type { RenderDifference } from "./render-check.ts";
import { digestOf, parseServedName, previousName } from "./slots.ts";
import { stage } from "./stage.ts";

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

const maxRestarts = 3;
const smokeDefault = { messages: [{ role: "user", content: "Hello" }], maxTokens: 16 };

// Makes `name` serve the GGUF, in phases that may be cut off anywhere and run again, also twice at the same time. The
// model is made and proven under NAME:anneal-<digest12>; only then is it copied onto its final name, which therefore
// always stands for a whole, proven model.
export async function publish(options: PublishOptions, deps: PublishDeps): Promise<PublishResult> {
  const name = parseServedName(options.name);
  if (options.conversations.length === 0)
    throw new OllamaError("OLLAMA_RENDER_MISMATCH", say`no conversation to compare the server's prompt with`, {
      remedy: say`pass standardRenderCases(render)`,
    });
  const progress = new ProgressReporter(deps.onProgress, deps.now);
  const call = { signal: deps.signal };
  progress.enter("hash");
  const file = await hashFile(options.ggufPath, { onBytes: (done, total) => progress.bytes(done, total), ...call });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await stageAndActivate(options, deps, name, file, progress);
    } catch (error) {
      // Another publication of the same model is writing the staging name we work on, or has ended and removed it.
      const disturbed = isOllamaError(error, "OLLAMA_NOT_FOUND") || isHalfWritten(error);
      if (!disturbed || attempt === maxRestarts) throw error;
      progress.note("the staged model was written or removed meanwhile; starting over");
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
  if (!stagedDigest) throw new OllamaError("OLLAMA_NOT_FOUND", say`${staged.name} is not listed after its creation`);

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
      throw new OllamaError("OLLAMA_LOAD_FAILED", say`${options.name} generated no token at all`, {
        remedy: say`look into Ollama's log, and at the model's end token`,
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
