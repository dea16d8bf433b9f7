import { z } from "zod";
import { Phrase } from "./phrase/phrase.ts";

/** Whether a run made its model better: one judgement over every measure it has, in the words that console, report and CLI show. */
export const Verdict = z.object({
  outcome: z.enum(["better", "worse", "mixed", "equal", "uncertain", "unmeasured"]),
  headline: Phrase,
  reasons: z.array(Phrase), // a sentence for each measure
  limits: z.array(Phrase), // what the figures leave out
});
export type Verdict = z.infer<typeof Verdict>;
