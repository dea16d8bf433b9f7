import { argumentsReasons } from "./arguments.ts";
import { filesReasons } from "./files.ts";
import { modelsReasons } from "./models.ts";
import { operationsReasons } from "./operations.ts";
import { trainingReasons } from "./training.ts";

/**
 * What the engine says, by the reason of its error: the sentence in English, with the error's arguments by their names. A test
 * (apps/web/messages/engine-reasons.test.ts) holds it to the C++ sources, and the other languages' catalogues to it.
 */
export const engineReasons: Readonly<Record<string, string>> = {
  ...argumentsReasons,
  ...filesReasons,
  ...modelsReasons,
  ...operationsReasons,
  ...trainingReasons,
};
