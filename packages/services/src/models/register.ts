import { api, ServiceError, say } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { audit, verb } from "../verb.ts";
import { atField } from "./foreign-error.ts";

const { models } = schema;

/** Names a model, so that runs can say `model:ID` and its place stays out of their specs. */
export const register = verb(api.models.register, async (ctx, { ref, name }) => {
  if (ref.startsWith("model:"))
    throw new ServiceError("INVALID_INPUT", say`ref: this model is in the registry already`, {
      field: "ref",
      remedy: say`give ollama:NAME or the path of a model`,
    });
  // Its tokenizer and chat template too are what runs will use: what cannot be read is told now.
  const asked = ctx.work.ask(ctx, "model.examine", { ref, loadText: true });
  const { summary: found, refusal } = await asked.catch((error: unknown) => {
    throw atField(error, "ref");
  });
  if (refusal) throw atField(ServiceError.of(refusal), "ref");
  const id = newId();
  const createdAt = ctx.now();
  await ctx.db.transaction(async (tx) => {
    const [made] = await tx
      .insert(models)
      .values({
        id,
        name,
        ref,
        source: found.source,
        digest: found.digest,
        facts: found.facts,
        createdBy: ctx.actor.id,
        createdAt,
      })
      .onConflictDoNothing()
      .returning({ id: models.id });
    if (!made)
      throw new ServiceError("CONFLICT", say`name: a model is named ${name} already`, {
        field: "name",
        remedy: say`choose another name`,
      });
    await audit(tx, ctx, "model.register", id, { name, ref });
  });
  return { ...found, id, ref: `model:${id}`, name, createdAt: createdAt.toISOString() };
});
