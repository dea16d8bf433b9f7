import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { recordedModels } from "../recorded/recorded-models.ts";
import { type Answer, compareAnswer, type Verdict } from "./compare.ts";
import { outOfScope, type Recording } from "./recording.ts";
import { notedBody, type Setup, serverOf, setups } from "./setups.ts";

export interface Server {
  url: string;
  models: string; // the store's folder
}
export interface Outcome {
  id: string;
  verdict: Verdict | { skipped: string };
}
export interface ReplayOptions {
  server: (kind: ReturnType<typeof serverOf>) => Promise<Server>;
  // Starts the server anew on the same store.
  restart: (kind: ReturnType<typeof serverOf>) => Promise<void>;
  smollm2: string | null; // a path, or null when the model is not here
}

export function send(
  url: string,
  method: string,
  path: string,
  body: Buffer | null,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body && !("Transfer-Encoding" in headers) ? { "content-length": String(body.length) } : {};
    const request = http.request(new URL(path, url), { method, agent: false, headers: { ...length, ...headers } });
    let answered = false;
    request.once("response", (response) => {
      answered = true;
      const parts: Buffer[] = [];
      response.on("data", (piece: Buffer) => parts.push(piece));
      response.once("error", reject);
      response.once("end", () => {
        const flat = Object.entries(response.headers).map(([key, value]) => [
          key,
          Array.isArray(value) ? value.join(", ") : value,
        ]);
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(flat), body: Buffer.concat(parts) });
        request.destroy();
      });
    });
    request.on("error", (error) => {
      if (!answered) reject(error);
    });
    if (body && Number(headers["content-length"] ?? body.length) === body.length) request.end(body);
    else if (body) request.write(body);
    else request.end();
  });
}

interface File {
  digest: string;
  make: () => Buffer;
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

// Plays recorded exchanges to a server, in their order, and compares every answer.
export class Replay {
  private readonly options: ReplayOptions;
  private readonly named = new Map<string, File>();

  constructor(options: ReplayOptions) {
    this.options = options;
  }

  private byDigest(digest: string): File | undefined {
    for (const name of [...Object.keys(recordedModels), "smollm2"]) this.fileNamed(name);
    return [...this.named.values()].find((file) => file.digest === digest);
  }

  async run(recordings: Recording[], onOutcome: (outcome: Outcome) => void = () => undefined): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const recording of recordings) {
      const outcome = { id: recording.id, verdict: await this.one(recording) };
      outcomes.push(outcome);
      onOutcome(outcome);
    }
    return outcomes;
  }

  private async one(recording: Recording): Promise<Outcome["verdict"]> {
    const { id, request } = recording;
    if (setups[id]?.some(({ restart }) => restart)) await this.options.restart(serverOf(id));
    const server = await this.options.server(serverOf(id));
    const made = await this.setUp(server, setups[id] ?? []);
    const reason = outOfScope(id);
    if (reason) return { skipped: reason };
    if (!made || (/^(smol|jinja)\./.test(id) && !this.options.smollm2))
      return { skipped: "the model SmolLM2 is not here" };
    const body = this.bodyOf(recording);
    if (body === undefined) return { skipped: `a body that is only described: ${request.body_note}` };
    if (request.path === "/api/create") await this.uploadFiles(server, request.body);
    const headers = { ...request.headers };
    if (request.body_note?.startsWith("Content-Length 104857600")) headers["content-length"] = "104857600";
    const answer = await send(server.url, request.method, request.path, body, headers);
    const verdict = compareAnswer(recording, answer, server.models);
    if (!verdict.same) return verdict;
    const disk = this.compareDisk(recording, server.models);
    return disk === null ? verdict : { same: false, why: disk };
  }

  private bodyOf({ request }: Recording): Buffer | null | undefined {
    if (request.body_note !== undefined) return notedBody(request.body_note) ?? undefined;
    return request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
  }

  private async setUp(server: Server, list: Setup[]): Promise<boolean> {
    for (const { create, load, unload } of list) {
      if (create) {
        const file = this.fileNamed(create.gguf);
        if (!file) return false;
        const digest = await this.upload(server, file);
        await this.post(server, "/api/create", { ...create.body, files: { "m.gguf": digest }, stream: false });
      }
      if (unload) await this.post(server, "/api/chat", { model: unload, messages: [], keep_alive: 0 });
      if (load) await this.post(server, "/api/chat", { model: load, messages: [] });
    }
    return true;
  }

  private fileNamed(name: string): File | null {
    const known = this.named.get(name);
    if (known) return known;
    const { smollm2 } = this.options;
    const make = name === "smollm2" ? smollm2 && (() => readFileSync(smollm2)) : recordedModels[name];
    if (!make) return null;
    const file = { digest: digestOf(make()), make };
    this.named.set(name, file);
    return file;
  }

  private async post(server: Server, path: string, body: unknown): Promise<void> {
    const answer = await send(server.url, "POST", path, Buffer.from(JSON.stringify(body)));
    if (answer.status !== 200)
      throw new Error(`setup ${path} ${JSON.stringify(body)}: ${answer.status} ${answer.body}`);
  }

  private async upload(server: Server, { digest, make }: File): Promise<string> {
    const there = await send(server.url, "HEAD", `/api/blobs/${digest}`, null);
    if (there.status === 404) await send(server.url, "POST", `/api/blobs/${digest}`, make());
    return digest;
  }

  private async uploadFiles(server: Server, body: unknown): Promise<void> {
    const { files, adapters } = (body ?? {}) as { files?: Record<string, string>; adapters?: Record<string, string> };
    for (const digest of [...Object.values(files ?? {}), ...Object.values(adapters ?? {})]) {
      const file = this.byDigest(digest);
      if (file) await this.upload(server, file);
    }
  }

  // What lay in the store after the exchange: the manifest, and the texts of its layers.
  private compareDisk({ disk, id }: Recording, models: string): string | null {
    if (!disk?.manifest || !disk.path || !existsSync(models)) return null;
    const path = join(models, disk.path);
    const text = readFileSync(path, "utf8");
    const loose = /K_[SM]/.test(id);
    const same = loose ? (a: string) => a.replace(/[0-9a-f]{64}/g, "digest") : (a: string) => a;
    if (same(JSON.stringify(JSON.parse(text))) !== same(JSON.stringify(disk.manifest)))
      return `manifest ${text} in place of ${JSON.stringify(disk.manifest)}`;
    if (!text.endsWith("\n") || (statSync(path).mode & 0o777) !== 0o644) return "the manifest's ending or mode";
    const blobs = new Map(
      readdirSync(join(models, "blobs")).map((name) => [name.replace("-", ":"), join(models, "blobs", name)]),
    );
    const manifest = JSON.parse(text) as {
      config: { digest: string };
      layers: { mediaType: string; digest: string }[];
    };
    for (const [kind, want] of Object.entries(disk.contents ?? {})) {
      const layer =
        kind === "config"
          ? manifest.config
          : manifest.layers.filter(({ mediaType }) => mediaType.endsWith(`.${kind}`)).at(-1);
      const blob = layer && blobs.get(layer.digest);
      if (!blob || readFileSync(blob, "utf8") !== want) return `blob of ${kind}`;
    }
    return null;
  }
}
