import { createHash } from "node:crypto";
import { type Phrase, say, type TeacherFacts } from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";

type Written = Pick<TeacherFacts, "tokenizer" | "template" | "vocabularySize">;

const known = new WeakMap<TextModel, Written>();
const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** What of a model's texts decides which tokens rows become: every token's text, and the chat template. */
export function textFacts(model: TextModel, vocabularySize: number): Written {
  const old = known.get(model);
  if (old?.vocabularySize === vocabularySize) return old;
  const hash = createHash("sha256");
  for (let id = 0; id < vocabularySize; id++) hash.update(JSON.stringify(model.tokenizer.tokenText(id))).update("\n");
  const facts = {
    tokenizer: `sha256:${hash.digest("hex")}`,
    template: sha256(model.templateSource),
    vocabularySize,
  };
  known.set(model, facts);
  return facts;
}

/** Why a teacher's file is of no use to a run: the first difference in words, or null. */
export function teacherMismatch(
  facts: TeacherFacts,
  run: Written & Pick<TeacherFacts, "dataset" | "maxSequenceTokens">,
): { message: Phrase; remedy: Phrase } | null {
  const again = say`make a file of this dataset with this base: anneal teacher make`;
  if (facts.dataset !== run.dataset)
    return {
      message: say`it was made of the dataset ${facts.dataset}, this run trains on ${run.dataset}`,
      remedy: again,
    };
  if (facts.vocabularySize !== run.vocabularySize)
    return {
      message: say`its teacher has a vocabulary of ${facts.vocabularySize} tokens, the base ${run.vocabularySize}`,
      remedy: say`choose a teacher of the same tokenizer, or train on answers that it wrote (sft)`,
    };
  if (facts.tokenizer !== run.tokenizer)
    return {
      message: say`its teacher has another tokenizer than the base`,
      remedy: say`choose a teacher of the same tokenizer, or train on answers that it wrote (sft)`,
    };
  if (facts.template !== run.template)
    return { message: say`its rows were written with another chat template than the base's`, remedy: again };
  if (facts.maxSequenceTokens !== run.maxSequenceTokens)
    return {
      message: say`its rows were cut at ${facts.maxSequenceTokens} tokens, this run cuts at ${run.maxSequenceTokens}`,
      remedy: say`set maxSequenceTokens to ${facts.maxSequenceTokens}, or make the file again`,
    };
  return null;
}
