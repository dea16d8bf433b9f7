import { say, type Words } from "@anneal/contracts";
import type { z } from "zod";
import { type ChatAnswer, finishedAnswer } from "./chat-answer.ts";
import { createFailed } from "./create-fault.ts";
import { httpError, isOllamaError, OllamaError } from "./error.ts";
import type { HashedFile } from "./hash.ts";
import { jsonLines } from "./ndjson.ts";
import {
  type ChatMessage,
  ChatReply,
  CreateLine,
  type ListedModel,
  PsReply,
  parseReply,
  type RunningModel,
  ShowReply,
  TagsReply,
  VersionReply,
} from "./replies.ts";
import {
  errorText,
  expectOk,
  type Reply,
  readAll,
  type SendOptions,
  send,
  type TransportOptions,
} from "./transport.ts";
import { type UploadOutcome, uploadBlob } from "./upload.ts";

export type ParameterValue = string | number | boolean | string[];

export interface CreateRequest {
  model: string;
  files?: Record<string, string>; // file name -> sha256:<hex>
  from?: string;
  template?: string;
  system?: string;
  license?: string | string[];
  parameters?: Record<string, ParameterValue>;
  messages?: ChatMessage[];
  quantize?: string;
}

export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  options?: Record<string, ParameterValue>;
  keepAlive?: string | number;
  format?: unknown;
  logprobs?: boolean;
  topLogprobs?: number;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface OllamaClientOptions {
  headers?: Record<string, string>;
  connectTimeoutSeconds?: number; // default 5
  // Silence allowed on plain requests (default 30) and on create, load and chat (default 900).
  quickTimeoutSeconds?: number;
  slowTimeoutSeconds?: number;
}

// One Ollama server. Every method throws OllamaError and takes an AbortSignal; nothing is retried here.
export class OllamaClient {
  readonly base: URL;
  private readonly transport: TransportOptions;
  private readonly quickSeconds: number;
  private readonly slowSeconds: number;

  constructor(base: URL, options: OllamaClientOptions = {}) {
    this.base = base;
    this.transport = {
      base,
      connectTimeoutSeconds: options.connectTimeoutSeconds ?? 5,
      ...(options.headers ? { headers: options.headers } : {}),
    };
    this.quickSeconds = options.quickTimeoutSeconds ?? 30;
    this.slowSeconds = options.slowTimeoutSeconds ?? 900;
  }

  async version(call: CallOptions = {}): Promise<string> {
    return (await this.json(VersionReply, say`version`, { method: "GET", path: "/api/version", ...call })).version;
  }

  async tags(call: CallOptions = {}): Promise<ListedModel[]> {
    return (
      (await this.json(TagsReply, say`list of models`, { method: "GET", path: "/api/tags", ...call })).models ?? []
    );
  }

  async ps(call: CallOptions = {}): Promise<RunningModel[]> {
    return (await this.json(PsReply, say`loaded models`, { method: "GET", path: "/api/ps", ...call })).models ?? [];
  }

  async show(model: string, call: CallOptions & { verbose?: boolean } = {}): Promise<ShowReply> {
    const { verbose, signal } = call;
    const json = verbose ? { model, verbose } : { model };
    return this.json(ShowReply, say`show of ${model}`, { method: "POST", path: "/api/show", json, signal });
  }

  async hasBlob(digest: string, call: CallOptions = {}): Promise<boolean> {
    const what = say`look-up of blob ${digest}`;
    const reply = await this.send({ method: "HEAD", path: `/api/blobs/${digest}`, ...call });
    await readAll(reply);
    if (reply.status === 200) return true;
    if (reply.status === 404) return false;
    throw httpError(what, reply.status, "");
  }

  // Sends the file unless the server answers that it has it. `onBytes` counts bytes handed to the socket.
  upload(
    file: HashedFile,
    call: CallOptions & { onBytes?: (sent: number, total: number) => void } = {},
  ): Promise<UploadOutcome> {
    return uploadBlob(this.transport, file, { idleTimeoutSeconds: this.slowSeconds, ...call });
  }

  // Streams /api/create to `success`. An error line under HTTP 200 and a stream that just ends are both errors.
  async create(
    request: CreateRequest,
    call: CallOptions & { onLine?: (line: CreateLine) => void } = {},
  ): Promise<{ lines: CreateLine[] }> {
    const what = say`create of ${request.model}`;
    const reply = await this.slow({ method: "POST", path: "/api/create", json: { ...request, stream: true }, ...call });
    if (reply.status !== 200) {
      const detail = errorText(await readAll(reply));
      const fault = httpError(what, reply.status, detail);
      if (fault.code === "OLLAMA_BUSY" || reply.status === 403) throw fault;
      throw createFailed(what, detail, reply.status, fault);
    }
    const lines: CreateLine[] = [];
    let succeeded = false;
    for await (const value of jsonLines(reply.body, what)) {
      const line = parseReply(CreateLine, value, what);
      lines.push(line);
      call.onLine?.(line);
      if (line.error !== undefined) throw createFailed(what, line.error, 200);
      if (line.status === "success") succeeded = true;
    }
    if (!succeeded)
      throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: the answer ended without "success"`, {
        remedy: say`publish again; the server may have been stopped`,
        detail: lines.at(-1)?.status ?? "no line at all",
      });
    return { lines };
  }

  async copy(source: string, destination: string, call: CallOptions = {}): Promise<void> {
    const json = { source, destination };
    const reply = await this.send({ method: "POST", path: "/api/copy", json, ...call });
    await readAll(await expectOk(reply, say`copy of ${source} to ${destination}`));
  }

  // Answers false when there was nothing to delete.
  async delete(model: string, call: CallOptions = {}): Promise<boolean> {
    try {
      const reply = await this.send({ method: "DELETE", path: "/api/delete", json: { model }, ...call });
      await readAll(await expectOk(reply, say`delete of ${model}`));
      return true;
    } catch (error) {
      if (isOllamaError(error, "OLLAMA_NOT_FOUND")) return false;
      throw error;
    }
  }

  async chat(request: ChatRequest, call: CallOptions = {}): Promise<ChatAnswer> {
    const what = say`chat with ${request.model}`;
    const reply = await this.slow({ method: "POST", path: "/api/chat", json: chatBody(request, false), ...call });
    const body = await readAll(await expectOk(reply, what));
    const answer = parseReply(ChatReply, parseJson(body, what), what);
    return finishedAnswer(answer, answer.message?.content ?? "", answer.logprobs ?? [], what);
  }

  // Calls `onPiece` with every piece of text; resolves when the line with `done:true` came.
  async chatStream(request: ChatRequest, onPiece: (text: string) => void, call: CallOptions = {}): Promise<ChatAnswer> {
    const what = say`chat with ${request.model}`;
    const reply = await this.slow({ method: "POST", path: "/api/chat", json: chatBody(request, true), ...call });
    await expectOk(reply, what);
    let content = "";
    let last: ChatReply | null = null;
    const logprobs: NonNullable<ChatReply["logprobs"]> = [];
    for await (const value of jsonLines(reply.body, what)) {
      last = parseReply(ChatReply, value, what);
      const piece = last.message?.content ?? "";
      if (last.logprobs) logprobs.push(...last.logprobs);
      if (piece !== "") {
        content += piece;
        onPiece(piece);
      }
    }
    if (!last) throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: the answer was empty`);
    return finishedAnswer(last, content, logprobs, what);
  }

  // The prompt that the server would give to the model. Loads the model; generates nothing.
  async renderedPrompt(model: string, messages: ChatMessage[], call: CallOptions = {}): Promise<string> {
    const what = say`rendering by ${model}`;
    const json = { model, messages, stream: false, _debug_render_only: true };
    const reply = await this.slow({ method: "POST", path: "/api/chat", json, ...call });
    const answer = parseReply(ChatReply, parseJson(await readAll(await expectOk(reply, what)), what), what);
    const rendered = answer._debug_info?.rendered_template;
    if (rendered === undefined)
      throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: the server does not show rendered prompts`, {
        remedy: say`use an Ollama that knows \`_debug_render_only\``,
      });
    return rendered;
  }

  // A chat without messages: loads the model and answers when it stands. A create says nothing about that.
  async load(model: string, call: CallOptions & { keepAlive?: string | number } = {}): Promise<void> {
    const { keepAlive, signal } = call;
    const what = say`loading of ${model}`;
    const json = { model, messages: [], stream: false, ...(keepAlive === undefined ? {} : { keep_alive: keepAlive }) };
    const reply = await this.slow({ method: "POST", path: "/api/chat", json, signal });
    const answer = parseReply(ChatReply, parseJson(await readAll(await expectOk(reply, what)), what), what);
    if (answer.done !== true)
      throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: the answer lacks "done": true`, {
        detail: JSON.stringify(answer).slice(0, 500),
      });
  }

  private send(request: Omit<SendOptions, "idleTimeoutSeconds">): Promise<Reply> {
    return send(this.transport, { ...request, idleTimeoutSeconds: this.quickSeconds });
  }

  private slow(request: Omit<SendOptions, "idleTimeoutSeconds">): Promise<Reply> {
    return send(this.transport, { ...request, idleTimeoutSeconds: this.slowSeconds });
  }

  private async json<T>(
    schema: z.ZodType<T>,
    what: Words,
    request: Omit<SendOptions, "idleTimeoutSeconds">,
  ): Promise<T> {
    const reply = await expectOk(await this.send(request), what);
    return parseReply(schema, parseJson(await readAll(reply), what), what);
  }
}

function chatBody(request: ChatRequest, stream: boolean): Record<string, unknown> {
  const { model, messages, options, keepAlive, format, logprobs, topLogprobs } = request;
  return {
    model,
    messages,
    stream,
    ...(options ? { options } : {}),
    ...(keepAlive === undefined ? {} : { keep_alive: keepAlive }),
    ...(format === undefined ? {} : { format }),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...(topLogprobs === undefined ? {} : { top_logprobs: topLogprobs }),
  };
}

function parseJson(body: Buffer, what: Words): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: the answer is not JSON: ${body.toString("utf8", 0, 200)}`, {
      cause: error,
      remedy: say`check that the address belongs to an Ollama server`,
    });
  }
}
