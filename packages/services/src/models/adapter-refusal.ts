import { type EngineProblem, engineProblemOf, ServiceError, say, type Words, wordsOfError } from "@anneal/contracts";

const pickles = ["adapter_pickle", "safetensors_pickle", "weights_only_pickles"];

/** What to do about an adapter that the engine refuses: the code says which kind of cause it is, `where` names the field. */
function remedyFor({ code, reason, where }: EngineProblem): Words {
  if (code === "ENGINE_SHAPE") return say`choose the base model that the adapter was trained on, or start without it`;
  const field = /field "(\w+)"$/.exec(where)?.[1];
  if (field === "peft_type") return say`start from an adapter by LoRA or DoRA`;
  if (code === "ENGINE_UNSUPPORTED")
    return field
      ? say`start from an adapter without ${field}, or merge it into its base model with PEFT and start from that`
      : say`merge the adapter into its base model with PEFT and start from that`;
  if (code === "ENGINE_IO")
    return say`name a PEFT folder: adapter_config.json and adapter_model.safetensors must lie in it as plain files`;
  if (pickles.includes(reason)) return say`save the adapter as safetensors with PEFT`;
  return say`export the adapter again, or fetch it again: its files are damaged or do not belong together`;
}

/** The engine's refusal of an adapter, at the field of the spec that names it. */
export function adapterRefusal(error: unknown, field: string): unknown {
  const problem = engineProblemOf(error);
  if (!problem || problem.code === "ENGINE_NOT_BUILT" || problem.code === "ENGINE_INTERNAL") return error;
  return new ServiceError(
    problem.code === "ENGINE_UNSUPPORTED" ? "UNSUPPORTED" : "INVALID_INPUT",
    say`${field}: ${wordsOfError(error)}`,
    { field, remedy: remedyFor(problem), cause: error },
  );
}
