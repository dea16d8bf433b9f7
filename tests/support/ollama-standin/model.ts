import { architecture, type GgufFile, readGguf, textAt } from "./gguf/gguf-read.ts";
import type { Json } from "./go/go-json.ts";
import { fullName, type Name, shortName } from "./names.ts";
import { layerType, type Store, type Stored } from "./store.ts";
import { ChatTemplate, type Message } from "./template/chat-template.ts";

export interface ModelConfig {
  model_format?: string;
  model_family?: string;
  model_families?: string[];
  model_type?: string;
  file_type?: string;
  renderer?: string;
  parser?: string;
}

export interface Model {
  name: Name;
  full: string;
  short: string;
  stored: Stored;
  config: ModelConfig;
  path: string;
  gguf: GgufFile;
  parent: string;
  adapters: string[];
  template: ChatTemplate;
  hasGoTemplate: boolean;
  system: string;
  options: Record<string, Json>;
  messages: Message[];
  license: string[];
  // Rendered by the server itself (Go template, built-in renderer); else by llama-server from the GGUF's Jinja.
  rendersItself: boolean;
  capabilities: string[];
}

// The server's switch OLLAMA_GO_TEMPLATE: on, off, or left alone.
export type GoTemplateSwitch = boolean | null;

const ggufs = new Map<string, GgufFile>();
// Blobs never change under their name, so their tables are read once.
export function blobGguf(path: string): GgufFile {
  const known = ggufs.get(path);
  if (known) return known;
  const file = readGguf(path);
  if (ggufs.size > 16) ggufs.clear();
  ggufs.set(path, file);
  return file;
}

// Reads a model from the store; null when its name is unknown.
export async function loadModel(store: Store, name: Name, goSwitch: GoTemplateSwitch): Promise<Model | null> {
  const stored = await store.read(name);
  if (!stored) return null;
  const { manifest } = stored;
  const config: ModelConfig = JSON.parse((await store.readBlob(manifest.config.digest)).toString("utf8"));
  const layers = (kind: string) => manifest.layers.filter(({ mediaType }) => mediaType === layerType(kind));
  const texts = async (kind: string) =>
    Promise.all(layers(kind).map(async ({ digest }) => (await store.readBlob(digest)).toString("utf8")));
  const weights = layers("model").at(-1);
  if (!weights) throw new Error("no model layer");
  const path = store.blobPath(weights.digest);
  const gguf = blobGguf(path);
  const templateText = (await texts("template")).at(-1);
  const template = new ChatTemplate(templateText ?? "{{ .Prompt }}");
  const parameters = (await texts("params")).at(-1);
  const messages = (await texts("messages")).at(-1);
  const hasGoTemplate = templateText !== undefined;
  const builtIn = Boolean(config.renderer || config.parser);
  const prefersJinja = goSwitch === null && hasGoTemplate && !builtIn && jinjaKnowsMore(gguf, template);
  const usesGo = hasGoTemplate && (goSwitch ?? !prefersJinja);
  const model: Model = {
    name,
    full: fullName(name),
    short: shortName(name),
    stored,
    config,
    path,
    gguf,
    parent: weights.from ?? "",
    adapters: layers("adapter").map(({ digest }) => store.blobPath(digest)),
    template,
    hasGoTemplate,
    system: (await texts("system")).at(-1) ?? "",
    options: parameters === undefined ? {} : JSON.parse(parameters),
    messages: messages === undefined ? [] : JSON.parse(messages),
    license: await texts("license"),
    rendersItself: builtIn || usesGo,
    capabilities: [],
  };
  model.capabilities = capabilitiesOf(model, usesGo);
  return model;
}

const jinjaTools = (text: string): boolean => text.includes("tools") || text.includes("tool_call");
const jinjaThinks = (text: string): boolean => text.includes("<think>") && text.includes("</think>");
const jinjaCapabilities = (gguf: GgufFile): string[] => {
  const text = textAt(gguf, "tokenizer.chat_template");
  return [...(jinjaTools(text) ? ["tools"] : []), ...(jinjaThinks(text) ? ["thinking"] : [])];
};
const goCapabilities = (template: ChatTemplate): string[] => [
  ...(template.fields.has("tools") ? ["tools"] : []),
  ...(template.fields.has("suffix") ? ["insert"] : []),
  ...(template.thinks ? ["thinking"] : []),
];

const jinjaKnowsMore = (gguf: GgufFile, template: ChatTemplate): boolean =>
  textAt(gguf, "tokenizer.chat_template") !== "" && jinjaCapabilities(gguf).length > goCapabilities(template).length;

function capabilitiesOf(model: Model, usesGo: boolean): string[] {
  const found = new Set<string>();
  if (!model.rendersItself) for (const capability of jinjaCapabilities(model.gguf)) found.add(capability);
  const arch = architecture(model.gguf);
  const pooling = model.gguf.keys.has("pooling_type") || model.gguf.keys.has(`${arch}.pooling_type`);
  found.add(pooling ? "embedding" : "completion");
  if (!model.hasGoTemplate || usesGo) for (const capability of goCapabilities(model.template)) found.add(capability);
  if (/^(qwen3|deepseek|glm|harmony|cogito|olmo3)/.test(model.config.parser ?? "")) {
    found.add("tools");
    if (!/coder/.test(model.config.parser ?? "")) found.add("thinking");
  }
  return [...found];
}
