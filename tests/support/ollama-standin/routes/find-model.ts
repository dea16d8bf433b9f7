import { ReplyError } from "../faulty.ts";
import { loadModel, type Model } from "../model.ts";
import { existingSpelling, type ModelRef, NameError, parseModelRef, shortName } from "../names.ts";
import type { Standin } from "../standin.ts";

export function readRef(text: string, whenMissing: ReplyError): ModelRef {
  try {
    return parseModelRef(text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    if (error.fault === "required") throw whenMissing;
    throw new ReplyError(400, error.fault === "invalid" ? "invalid model name" : error.message);
  }
}

// `says` is the name that a 404 repeats: as given, or with its tag filled in.
export async function findModel(
  standin: Standin,
  ref: ModelRef,
  says: "given" | "full",
  given: string,
): Promise<Model> {
  if (ref.cloud) throw new ReplyError(502, "this stand-in has no cloud models");
  const name = existingSpelling(ref.name, await standin.store.names());
  const model = await loadModel(standin.store, name, standin.goTemplates);
  if (!model) throw new ReplyError(404, `model '${says === "given" ? given : shortName(name)}' not found`);
  return model;
}
