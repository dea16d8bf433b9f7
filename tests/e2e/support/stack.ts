// The whole of Anneal on free ports with a home of its own: Postgres, console, worker, as `./anneal up` starts them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningAnneal, startAnneal } from "../../../apps/worker/src/supervisor/start.ts";
import { tinyRows, writeTinyModel } from "../../support/model-files/tiny-model.ts";

export interface Stack {
  anneal: RunningAnneal;
  url: string;
  home: string;
  /** Files to upload, as a person has them. */
  files: { train: string; withBadLines: string; csv: string };
  modelName: string;
  stop(): Promise<void>;
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port was given")),
      );
    });
  });

export async function startStack(options: {
  ollamaHost: string;
  ollamaModels?: string;
  worker?: boolean;
}): Promise<Stack> {
  const home = mkdtempSync(join(tmpdir(), "anneal-e2e-"));
  const models = join(home, "models");
  const modelName = "tiny-chat";
  writeTinyModel(join(models, modelName));
  const files = {
    train: join(home, "colours.jsonl"),
    withBadLines: join(home, "damaged.jsonl"),
    csv: join(home, "bank.csv"),
  };
  writeFileSync(files.train, tinyRows(600));
  const rows = tinyRows(6).split("\n");
  writeFileSync(files.withBadLines, [...rows.slice(0, 3), '{"messages": [', ...rows.slice(3), "[1, 2]"].join("\n"));
  writeFileSync(files.csv, 'text,category\n"My card, it is lost",lost_card\nWhere is my transfer?,transfer\n');
  mkdirSync(join(home, "ollama"), { recursive: true });
  const port = await freePort();
  const anneal = await startAnneal({
    home,
    port,
    databaseUrl: null,
    worker: options.worker ?? true,
    postgresSettings: ["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
    env: {
      ANNEAL_MODEL_DIRS: models,
      ANNEAL_VALIDATE_OUTPUTS: "on",
      OLLAMA_HOST: options.ollamaHost,
      OLLAMA_MODELS: options.ollamaModels ?? join(home, "ollama"),
    },
    say: (line) => console.log(`[anneal] ${line}`),
  });
  return {
    anneal,
    url: anneal.url,
    home,
    files,
    modelName,
    async stop() {
      await anneal.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
