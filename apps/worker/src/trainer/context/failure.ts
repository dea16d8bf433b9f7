import {
  diskFullCode,
  isDiskFull,
  type Phrase,
  type Phrases,
  ServiceError,
  say,
  told,
  type Words,
  wordsOf,
  wordsOfError,
} from "@anneal/contracts";
import { EngineError, type EngineErrorCode } from "@anneal/engine";
import { TextError } from "@anneal/text";

export interface Failure {
  code: string;
  message: string;
  remedy: string | null;
  phrases?: Phrases; // of message and remedy
  permanent: boolean;
}

// The same input meets the same refusal again: trying anew is pointless.
const permanentCodes: Partial<Record<EngineErrorCode, Phrase>> = {
  ENGINE_INVALID_ARGUMENT: say`correct the setting it names`,
  ENGINE_SHAPE: say`check that the base model's files belong together`,
  ENGINE_FORMAT: say`fetch the base model again, or choose another`,
  ENGINE_UNSUPPORTED: say`choose a base model of a supported family and type`,
  ENGINE_NUMERIC: say`lower the learning rate, or switch clipping on`,
  ENGINE_OOM: say`choose a smaller micro-batch, LoRA instead of full training, or a smaller base model`,
  ENGINE_NOT_BUILT: say`run ./anneal setup`,
};

const adapterRemedy = say`export or fetch the adapter to continue from again, or start without it`;
const ofAdapter = ({ code, where }: EngineError) =>
  /\/adapter_(config\.json|model\.(safetensors|bin))/.test(where) &&
  ["ENGINE_FORMAT", "ENGINE_SHAPE", "ENGINE_UNSUPPORTED"].includes(code);

/** An error as the run's page shows it. */
export function describeFailure(error: unknown): Failure {
  const message = wordsOfError(error);
  const failure = (code: string, remedy: Words | null, permanent: boolean, said: Words = message): Failure => ({
    code,
    ...told({ message: said, remedy }),
    permanent,
  });
  if (isDiskFull(error))
    return failure(diskFullCode, say`free some space, then resume`, false, say`the disk is full: ${message}`);
  if (error instanceof EngineError) {
    const remedy = ofAdapter(error) ? adapterRemedy : (permanentCodes[error.code] ?? null);
    return failure(error.code, remedy, remedy !== null);
  }
  // A file that cannot be read now may be back in a moment; every other refusal meets the next attempt too.
  if (error instanceof ServiceError)
    return failure(
      error.code,
      wordsOf(error.problem, "remedy"),
      error.code !== "UNAVAILABLE" && error.code !== "INTERNAL",
    );
  if (error instanceof TextError) return failure("TEXT", wordsOf(error, "remedy"), true);
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? "INTERNAL") : "";
  return failure(code, say`see trainer.log in the run's folder`, false);
}
