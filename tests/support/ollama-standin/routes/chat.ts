import { ReplyError, textOf } from "../faulty.ts";
import { goAny, goBool, goInt, goList, goMap, goString } from "../go/go-bind.ts";
import type { GoValue, Json } from "../go/go-json.ts";
import { ClientGone, type Exchange, LineStream, mapField, readRequest, sendJson, textField } from "../http.ts";
import { type Asked, generate, logprobValue, metrics, requireTopLogprobs, withRunner } from "../runner/answer.ts";
import type { Logprob } from "../runner/llama.ts";
import { renderChat } from "../runner/render.ts";
import type { Standin } from "../standin.ts";
import type { Message } from "../template/chat-template.ts";
import { findModel, readRef } from "./find-model.ts";
import { messagesOf, messageType } from "./messages.ts";
import { keepAliveSeconds } from "./options.ts";

const fields = {
  model: goString,
  messages: goList(messageType, "api.Message"),
  stream: goBool,
  format: goAny,
  keep_alive: { go: "Duration", check: (value: Json) => keepAliveSeconds(value) },
  tools: goList(goAny, "api.Tool"),
  options: goMap(goAny, "interface {}"),
  think: goAny,
  truncate: goBool,
  shift: goBool,
  _debug_render_only: goBool,
  logprobs: goBool,
  top_logprobs: goInt,
};

const now = (): string => new Date().toISOString().replace("Z", "000000Z");

export async function chat(standin: Standin, exchange: Exchange): Promise<void> {
  const request = await readRequest(exchange, "ChatRequest", fields);
  await chatWith(standin, exchange, request);
}

export async function chatWith(standin: Standin, exchange: Exchange, request: Record<string, Json>): Promise<void> {
  const { response } = exchange;
  requireTopLogprobs(request.top_logprobs);
  const given = textField(request, "model");
  const ref = readRef(given, new ReplyError(400, "model is required"));
  const model = await findModel(standin, ref, "given", given);
  const messages = messagesOf(request.messages ?? null);
  const keepAlive = typeof request.keep_alive === "number" ? request.keep_alive : null;
  const plain = (reason: string) =>
    sendJson(response, 200, {
      model: given,
      created_at: now(),
      message: { role: "assistant", content: "" },
      done: true,
      done_reason: reason,
    });
  if (messages.length === 0 && keepAlive === 0) {
    await standin.runners.expire(model);
    return plain("unload");
  }
  const tools = Array.isArray(request.tools) ? request.tools : [];
  if (request.think && !model.capabilities.includes("thinking"))
    throw new ReplyError(400, `${JSON.stringify(given)} does not support thinking`);
  const needs = ["completion", ...(tools.length > 0 ? ["tools"] : [])];
  const settings = { options: mapField(request, "options"), keepAlive, needs, verb: "chat" as const, given };
  await withRunner(standin, model, settings, async (asked) => {
    if (messages.length === 0) return plain("load");
    const prompt = renderChat(asked, withModelTexts(asked, messages), tools, request.truncate !== false);
    if (request._debug_render_only === true)
      return sendJson(response, 200, {
        model: given,
        created_at: now(),
        message: { role: "", content: "" },
        done: false,
        _debug_info: { rendered_template: prompt },
      });
    const format = request.format ?? null;
    if (format !== null && format !== "json" && format !== "" && typeof format !== "object")
      throw new ReplyError(
        500,
        `invalid format: ${JSON.stringify(JSON.stringify(format))}; expected "json" or a valid JSON Schema object`,
      );
    await answer(standin, exchange, request, asked, prompt, given, messages);
  });
}

// The model's own messages come first; its system text before them, unless the request begins with one.
function withModelTexts({ model }: Asked, messages: Message[]): Message[] {
  const all = [...model.messages, ...messages];
  return messages[0]?.role !== "system" && model.system !== ""
    ? [{ role: "system", content: model.system }, ...all]
    : all;
}

async function answer(
  standin: Standin,
  exchange: Exchange,
  request: Record<string, Json>,
  asked: Asked,
  prompt: string,
  given: string,
  messages: Message[],
): Promise<void> {
  const streams = request.stream !== false;
  const lines = new LineStream(exchange);
  const settings = {
    logprobs: request.logprobs === true,
    topLogprobs: typeof request.top_logprobs === "number" ? request.top_logprobs : 0,
    truncate: request.truncate !== false,
  };
  let content = "";
  const logprobs: Logprob[] = [];
  const entry = (text: string, rest: { [key: string]: GoValue }) => ({
    model: given,
    created_at: now(),
    message: { role: "assistant", content: text },
    ...rest,
  });
  const take = async (text: string, logprob?: Logprob) => {
    content += text;
    if (logprob) logprobs.push(logprob);
    if (streams)
      await lines.send(entry(text, { done: false, logprobs: logprob ? [logprobValue(logprob)] : undefined }));
  };
  try {
    const last = messages.at(-1);
    // What llama-server continues stands at the head of its answer.
    if (!asked.model.rendersItself && last?.role === "assistant") await take(last.content);
    const finished = await generate(standin, asked, prompt, settings, exchange.gone, ({ text, logprob }) =>
      take(text, logprob),
    );
    const ending = finished
      ? { done: true, done_reason: finished.reason, ...metrics(asked, finished) }
      : { done: false };
    if (streams) {
      if (finished) await lines.send(entry("", ending));
      lines.end();
    } else
      sendJson(
        exchange.response,
        200,
        entry(content, { ...ending, logprobs: logprobs.length > 0 ? logprobs.map(logprobValue) : undefined }),
      );
  } catch (error) {
    if (error instanceof ClientGone) return;
    if (!streams || !lines.started) throw error;
    await lines.fail(500, textOf(error));
  }
}
