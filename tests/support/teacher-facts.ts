import type { TeacherFacts } from "@anneal/contracts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** Facts of a teacher file for tests: the best 2 of `vocabularySize` tokens, sequences of up to 64, digests of one letter each. */
export const teacherFacts = (vocabularySize: number): TeacherFacts => ({
  model: "big",
  modelDigest: digest("a"),
  dataset: digest("b"),
  tokenizer: digest("c"),
  template: digest("d"),
  maxSequenceTokens: 64,
  topK: 2,
  vocabularySize,
});
