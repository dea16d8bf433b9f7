import { ReplyError } from "../faulty.ts";
import { goAny, goString } from "../go/go-bind.ts";
import { type Exchange, readRequest, textField } from "../http.ts";
import { withRunner } from "../runner/answer.ts";
import type { Standin } from "../standin.ts";
import { findModel, readRef } from "./find-model.ts";

// Only the refusals: chat models do not embed.
export async function embed(standin: Standin, exchange: Exchange): Promise<void> {
  const request = await readRequest(exchange, "EmbedRequest", { model: goString, input: goAny });
  const given = textField(request, "model");
  const missing = new ReplyError(404, `model ${JSON.stringify(given)} not found, try pulling it first`);
  const unnamed = new ReplyError(404, "model '' not found");
  const model = await findModel(standin, readRef(given, unnamed), "given", given).catch((error: unknown) => {
    throw error instanceof ReplyError && error.status === 404 ? missing : error;
  });
  const settings = { options: null, keepAlive: null, needs: [], verb: "generate" as const, given };
  await withRunner(standin, model, settings, async () => {
    throw new ReplyError(501, "This server does not support embeddings. Start it with `--embeddings`");
  });
}
