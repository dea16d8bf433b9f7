import { loadTextModel, type TextModel } from "@anneal/text";
import type { ServiceContext } from "../context.ts";
import type { BaseSource } from "../ports.ts";
import { identityOf } from "./facts.ts";
import { foreignError } from "./foreign-error.ts";

// Vocabularies are large; the form asks for the same few models again and again.
const remembered = new Map<string, TextModel>();
const mostRemembered = 4;

/** Tokenizer and chat template of a model, from its own files. */
export async function textModelOf(ctx: Pick<ServiceContext, "engine">, source: BaseSource): Promise<TextModel> {
  try {
    const identity = await identityOf(source);
    const known = remembered.get(identity);
    if (known) {
      remembered.delete(identity); // to the end: the one not used for longest goes first
      remembered.set(identity, known);
      return known;
    }
    const model =
      source.kind === "gguf"
        ? loadTextModel({ kind: "gguf", metadata: ctx.engine.readGgufMetadata(source.path).metadata })
        : loadTextModel(source);
    remembered.set(identity, model);
    for (const oldest of remembered.keys()) {
      if (remembered.size <= mostRemembered) break;
      remembered.delete(oldest);
    }
    return model;
  } catch (error) {
    throw foreignError(error, "base");
  }
}
