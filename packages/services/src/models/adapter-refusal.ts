import { engineWords, ServiceError, say, type Words, wordsOfError } from "@anneal/contracts";

/** What to do about an adapter that the engine refuses: the code says which kind of cause it is, the message names the field. */
function remedyFor(code: string, message: string): Words {
  if (code === "ENGINE_SHAPE") return say`choose the base model that the adapter was trained on, or start without it`;
  const field = /field "(\w+)"/.exec(message)?.[1];
  if (field === "peft_type") return say`start from an adapter by LoRA or DoRA`;
  if (code === "ENGINE_UNSUPPORTED")
    return field
      ? say`start from an adapter without ${field}, or merge it into its base model with PEFT and start from that`
      : say`merge the adapter into its base model with PEFT and start from that`;
  if (code === "ENGINE_IO")
    return say`name a PEFT folder: adapter_config.json and adapter_model.safetensors must lie in it as plain files`;
  if (/pickle/.test(message)) return say`save the adapter as safetensors with PEFT`;
  return say`export the adapter again, or fetch it again: its files are damaged or do not belong together`;
}

/** The engine's refusal of an adapter, at the field of the spec that names it. */
export function adapterRefusal(error: unknown, field: string): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!code.startsWith("ENGINE_") || code === "ENGINE_NOT_BUILT" || code === "ENGINE_INTERNAL") return error;
  const said = wordsOfError(error);
  const words = typeof said === "string" ? engineWords(said) : said;
  const message = error instanceof Error ? error.message : "";
  return new ServiceError(code === "ENGINE_UNSUPPORTED" ? "UNSUPPORTED" : "INVALID_INPUT", say`${field}: ${words}`, {
    field,
    remedy: remedyFor(code, message),
    cause: error,
  });
}
