import { ReplyError } from "../faulty.ts";
import { goString } from "../go/go-bind.ts";
import { type Exchange, readRequest, sendEmpty, textField } from "../http.ts";
import { existingSpelling, isValid, NameError, parseModelRef, parseName } from "../names.ts";
import type { Standin } from "../standin.ts";

export async function copyModel({ store }: Standin, exchange: Exchange): Promise<void> {
  const request = await readRequest(exchange, "CopyRequest", { source: goString, destination: goString });
  const names = await store.names();
  const valid = (which: "source" | "destination") => {
    const text = textField(request, which);
    const name = parseName(text);
    if (!isValid(name)) throw new ReplyError(400, `${which} ${JSON.stringify(text)} is invalid`);
    return existingSpelling(name, names);
  };
  const source = valid("source");
  const destination = valid("destination");
  if (!(await store.copy(source, destination)))
    throw new ReplyError(404, `model ${JSON.stringify(textField(request, "source"))} not found`);
  sendEmpty(exchange.response, 200);
}

export async function deleteModel({ store }: Standin, exchange: Exchange): Promise<void> {
  const request = await readRequest(exchange, "DeleteRequest", { model: goString, name: goString });
  const text = textField(request, "model") || textField(request, "name");
  const ref = (() => {
    try {
      return parseModelRef(text);
    } catch (error) {
      if (!(error instanceof NameError)) throw error;
      throw new ReplyError(400, error.fault === "invalid" ? `name ${JSON.stringify(text)} is invalid` : error.message);
    }
  })();
  // A cloud model is kept under a tag that says so.
  const name = ref.cloud
    ? { ...ref.name, tag: ref.name.tag === "latest" ? "cloud" : `${ref.name.tag}-cloud` }
    : ref.name;
  const stored = await store.read(existingSpelling(name, await store.names()));
  if (!stored) throw new ReplyError(404, `model '${text}' not found`);
  await store.remove(stored);
  sendEmpty(exchange.response, 200);
}
