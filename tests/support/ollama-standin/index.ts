import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Fault, Faults } from "./faults.ts";
import type { GoTemplateSwitch } from "./model.ts";
import { type Answers, Runners } from "./runner/runner.ts";
import { makeServer } from "./server.ts";
import { Store } from "./store.ts";

export type { Fault } from "./faults.ts";

export interface StandinOptions {
  port?: number; // default: any free one
  models?: string; // the store's folder; default: a temporary one, removed at the end
  faults?: (Fault | string)[];
  answers?: Answers; // "llama" (default): real llama.cpp where it loads the file; "marked": always the marked text
  version?: string; // default 0.0.0, as a build from source says
  goTemplates?: GoTemplateSwitch; // the server's switch OLLAMA_GO_TEMPLATE
  hasQuantizer?: boolean; // false: a server without its llama-quantize program
  onRequest?: (method: string, path: string) => void;
}

export interface OllamaStandin {
  url: string; // http://127.0.0.1:PORT
  port: number;
  models: string;
  faults: Faults;
  stop(): Promise<void>;
}

// Starts a local server that speaks Ollama's HTTP protocol over a store of its own.
export async function startOllamaStandin(options: StandinOptions = {}): Promise<OllamaStandin> {
  const models = options.models ?? (await mkdtemp(join(tmpdir(), "ollama-standin-")));
  const store = new Store(models);
  await store.open();
  const runners = new Runners(options.answers ?? "llama");
  const faults = new Faults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const server = makeServer(
    {
      store,
      runners,
      version: options.version ?? "0.0.0",
      goTemplates: options.goTemplates ?? null,
      hasQuantizer: options.hasQuantizer ?? true,
    },
    { faults, ...(options.onRequest ? { onRequest: options.onRequest } : {}) },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    models,
    faults,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await runners.closeAll();
      if (options.models === undefined) await rm(models, { recursive: true, force: true });
    },
  };
}
