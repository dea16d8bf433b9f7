import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ModelFacts, say } from "@anneal/contracts";
import { TextError } from "@anneal/text";
import type { WorkContext } from "../context.ts";
import type { BaseSource, EngineModelInfo } from "../ports.ts";
import { Remembered } from "../remembered.ts";

const maxConfigBytes = 4 * 1024 ** 2;

/** Changes when the model's files do; what is remembered about them is remembered under it. */
export async function identityOf(source: BaseSource): Promise<string> {
  const path = source.kind === "gguf" ? source.path : join(source.dir, "config.json");
  const { size, mtimeMs, ino } = await stat(path);
  return `${path}|${size}|${mtimeMs}|${ino}`;
}

async function folderHasTemplate(dir: string): Promise<boolean> {
  if (
    await stat(join(dir, "chat_template.jinja")).then(
      (s) => s.isFile(),
      () => false,
    )
  )
    return true;
  const path = join(dir, "tokenizer_config.json");
  const info = await stat(path).catch(() => null);
  if (!info?.isFile() || info.size > maxConfigBytes) return false;
  try {
    const config: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof config === "object" && config !== null && "chat_template" in config && config.chat_template !== null;
  } catch (error) {
    if (error instanceof SyntaxError) return false; // the tokenizer will refuse it with the place
    throw error;
  }
}

/** Without a tokenizer no row can be read: a folder that has none is no base, whatever its weights are. */
async function requireTokenizer(dir: string): Promise<void> {
  const info = await stat(join(dir, "tokenizer.json")).catch(() => null);
  if (!info)
    throw new TextError(
      "tokenizer.json",
      say`is missing in the model's folder`,
      say`Save the tokenizer into the folder with save_pretrained of a fast tokenizer.`,
    );
}

const toFacts = (info: EngineModelInfo, hasChatTemplate: boolean): ModelFacts => ({
  family: info.family,
  parameters: info.parameters,
  layers: info.layers,
  hiddenSize: info.hiddenSize,
  attentionHeads: info.heads,
  keyValueHeads: info.kvHeads,
  headSize: info.headSize,
  feedForwardSize: info.ffnSize,
  vocabularySize: info.vocabSize,
  contextTokens: info.contextLength,
  tiedHead: info.tiedHead,
  quantisation: info.quantisation,
  linearNames: info.linearNames,
  fileBytes: info.fileBytes,
  hasChatTemplate,
  ggufProblem: info.ggufProblem,
});

const remembered = new Remembered<ModelFacts>(500);

/** What a model's headers say; throws what the engine throws when it cannot take it. */
export async function readFacts(ctx: Pick<WorkContext, "engine">, source: BaseSource): Promise<ModelFacts> {
  const identity = await identityOf(source);
  return remembered.of(identity, () => inspectFacts(ctx, source));
}

async function inspectFacts(ctx: Pick<WorkContext, "engine">, source: BaseSource): Promise<ModelFacts> {
  const info = ctx.engine.inspectModel(source);
  if (source.kind === "hf") await requireTokenizer(source.dir);
  const hasChatTemplate =
    source.kind === "gguf"
      ? typeof ctx.engine.readGgufMetadata(source.path).metadata["tokenizer.chat_template"] === "string"
      : await folderHasTemplate(source.dir);
  return toFacts(info, hasChatTemplate);
}
