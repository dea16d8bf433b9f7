import { recordedModels } from "../recorded/recorded-models.ts";
import { wrongText } from "./recording.ts";

// The recordings leave out how the models stood there that they use; these requests make them again.
export interface Setup {
  create?: { gguf: string; body: Record<string, unknown> };
  load?: string;
  unload?: string;
  restart?: boolean; // nothing is loaded any more
}

const go = "{{ range .Messages }}[{{ .Role }}]{{ .Content }}[/{{ .Role }}]\n{{ end }}[assistant]";
const old = "{{ if .System }}S:{{ .System }}\n{{ end }}{{ if .Prompt }}U:{{ .Prompt }}\n{{ end }}A:{{ .Response }}";
const own = {
  system: "Model system.",
  messages: [
    { role: "user", content: "m-user" },
    { role: "assistant", content: "m-assistant" },
  ],
};
const make = (gguf: string, model: string, body: Record<string, unknown> = {}): Setup => ({
  create: { gguf, body: { model, ...body } },
});
const templates = (gguf: string, name: string): Setup[] => [
  make(gguf, name),
  make(gguf, `${name}-go`, { template: go }),
  make(gguf, `${name}-old`, { template: old }),
  make(gguf, `${name}-sys`, own),
];
const live: Setup[] = [
  { restart: true },
  make("f16", "r-live"),
  { load: "r-live" },
  make("f16b", "r-live"),
  { load: "r-live" },
];

// By the first exchange before which they are made. `gguf` is a recorded model, or "smollm2".
export const setups: Record<string, Setup[]> = {
  "create.name.14": [make("f16", "UPPER/Case:Tag")],
  "create.over": [make("f16", "c-over", { system: "one" })],
  "create.from": [
    make("f16", "c-base", {
      template: "{{ .Prompt }}",
      system: "base sys",
      license: "L1",
      parameters: { num_ctx: 128, stop: ["A"] },
    }),
  ],
  "adapter.files": [make("f16", "a-base")],
  "share.1": [...live, make("f16", "s-1"), make("f16", "s-2")],
  "tmpl.show": templates("f16", "t-plain"),
  "chat.load": [{ unload: "t-plain" }, make("f16", "k-chat")],
  "names.copy": [make("no_name", "n-src", { system: "only here" })],
  "openai.models": [make("f16", "o-m")],
  "live.two": [{ restart: true }, { load: "r-live" }, make("f16", "l-a"), { load: "l-a" }, make("f16b", "l-b")],
  "native.tmpl.show": templates("native", "nat-t"),
  "jinja.show": [make("smollm2", "j"), make("smollm2", "j-go", { template: go, system: "Model system." })],
  "smol.show": [make("smollm2", "smol-x")],
  "smol.tmpl.show": templates("smollm2", "smol-t"),
  "ps.ctx64.load": [{ restart: true }],
  "create.failed.keeps": [make("f16", "z-keep", { system: "keep" })],
};

// The server on which an exchange was recorded, where it was not the usual one.
export const serverOf = (id: string): "usual" | "jinja" | "without quantizer" =>
  id.startsWith("jinja.") ? "jinja" : id.startsWith("create.noquantize") ? "without quantizer" : "usual";

// Bodies that the recordings only describe.
export function notedBody(note: string): Buffer | null {
  if (note === "empty") return Buffer.alloc(0);
  if (note === "f16.gguf of the fixtures") return recordedModels.f16?.() ?? null;
  if (note === "320 bytes of text") return wrongText;
  if (note === "the 5 bytes 'other'") return Buffer.from("other");
  if (note === "abc" || note === "abc in one chunk") return Buffer.from("abc");
  if (note.startsWith("104857600 bytes"))
    return Buffer.alloc(104857600, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  if (note.startsWith("Content-Length 104857600")) return Buffer.alloc(1000);
  return note.startsWith("{") ? Buffer.from(note) : null;
}
