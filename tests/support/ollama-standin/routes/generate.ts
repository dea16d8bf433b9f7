import { ReplyError, textOf } from "../faulty.ts";
import { goAny, goBool, goInt, goList, goMap, goString } from "../go/go-bind.ts";
import type { GoValue, Json } from "../go/go-json.ts";
import { ClientGone, type Exchange, LineStream, mapField, readRequest, sendJson, textField } from "../http.ts";
import {
  type Asked,
  logprobValue,
  metrics,
  requireTopLogprobs,
  generate as run,
  withRunner,
} from "../runner/answer.ts";
import type { Logprob } from "../runner/llama.ts";
import { renderChat } from "../runner/render.ts";
import { detokenize, tokenize } from "../runner/tokens.ts";
import type { Standin } from "../standin.ts";
import { ChatTemplate, type Message } from "../template/chat-template.ts";
import { findModel, readRef } from "./find-model.ts";
import { keepAliveSeconds } from "./options.ts";

const fields = {
  model: goString,
  prompt: goString,
  suffix: goString,
  system: goString,
  template: goString,
  context: goList(goInt, "int"),
  stream: goBool,
  raw: goBool,
  format: goAny,
  keep_alive: { go: "Duration", check: (value: Json) => keepAliveSeconds(value) },
  options: goMap(goAny, "interface {}"),
  think: goAny,
  truncate: goBool,
  shift: goBool,
  _debug_render_only: goBool,
  logprobs: goBool,
  top_logprobs: goInt,
};
const now = (): string => new Date().toISOString().replace("Z", "000000Z");

export async function generate(standin: Standin, exchange: Exchange): Promise<void> {
  const { response } = exchange;
  const request = await readRequest(exchange, "GenerateRequest", fields);
  requireTopLogprobs(request.top_logprobs);
  const given = textField(request, "model");
  const ref = readRef(given, new ReplyError(404, `model '${given}' not found`));
  const model = await findModel(standin, ref, "given", given);
  const prompt = textField(request, "prompt");
  const keepAlive = typeof request.keep_alive === "number" ? request.keep_alive : null;
  const plain = (reason: string) =>
    sendJson(response, 200, { model: given, created_at: now(), response: "", done: true, done_reason: reason });
  if (prompt === "" && keepAlive === 0) {
    await standin.runners.expire(model);
    return plain("unload");
  }
  const context = Array.isArray(request.context) ? request.context.map(Number) : null;
  if (
    request.raw === true &&
    (textField(request, "template") || textField(request, "system") || (context?.length ?? 0) > 0)
  )
    throw new ReplyError(400, "raw mode does not support template, system, or context");
  if (request.think && !model.capabilities.includes("thinking"))
    throw new ReplyError(400, `${JSON.stringify(given)} does not support thinking`);
  const needs = ["completion", ...(textField(request, "suffix") ? ["insert"] : [])];
  const settings = { options: mapField(request, "options"), keepAlive, needs, verb: "generate" as const, given };
  await withRunner(standin, model, settings, async (asked) => {
    if (prompt === "") return plain("load");
    const rendered = request.raw === true ? prompt : renderPrompt(asked, request, prompt, context);
    if (request._debug_render_only === true)
      return sendJson(response, 200, {
        model: given,
        created_at: now(),
        response: "",
        done: false,
        _debug_info: { rendered_template: rendered },
      });
    await answer(standin, exchange, request, asked, rendered, given);
  });
}

function renderPrompt(asked: Asked, request: Record<string, Json>, prompt: string, context: number[] | null): string {
  const { model } = asked;
  const before = context ? detokenize(model.gguf, context) : "";
  const system = textField(request, "system") || model.system;
  const messages: Message[] = [
    ...(system === "" ? [] : [{ role: "system", content: system }]),
    ...(context ? [] : model.messages),
    { role: "user", content: prompt },
  ];
  const given = textField(request, "template");
  const suffix = textField(request, "suffix");
  try {
    if (given !== "" || suffix !== "") {
      const template = given === "" ? model.template : new ChatTemplate(given);
      return before + template.render(suffix ? { messages: [], prompt, suffix } : { messages });
    }
  } catch (error) {
    throw new ReplyError(500, textOf(error));
  }
  return before + renderChat(asked, messages, [], request.truncate !== false);
}

async function answer(
  standin: Standin,
  exchange: Exchange,
  request: Record<string, Json>,
  asked: Asked,
  prompt: string,
  given: string,
): Promise<void> {
  const streams = request.stream !== false;
  const lines = new LineStream(exchange);
  let content = "";
  const logprobs: Logprob[] = [];
  const entry = (text: string, rest: { [key: string]: GoValue }) => ({
    model: given,
    created_at: now(),
    response: text,
    ...rest,
  });
  const settings = {
    logprobs: request.logprobs === true,
    topLogprobs: typeof request.top_logprobs === "number" ? request.top_logprobs : 0,
    truncate: request.truncate !== false,
  };
  try {
    const finished = await run(standin, asked, prompt, settings, exchange.gone, async ({ text, logprob }) => {
      content += text;
      if (logprob) logprobs.push(logprob);
      if (streams)
        await lines.send(entry(text, { done: false, logprobs: logprob ? [logprobValue(logprob)] : undefined }));
    });
    const context = request.raw === true ? undefined : tokenize(asked.model.gguf, prompt + content);
    const ending = finished
      ? { done: true, done_reason: finished.reason, context, ...metrics(asked, finished) }
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
