import { type ModelFacts, type Phrase, type Problem, say, told } from "@anneal/contracts";
import { type TextModel, teacherMismatch } from "@anneal/text";

const looksAt = 50; // differing tokens are told from the first

/** A teacher's probabilities are of its own tokens: they mean something to the student only if the tokens are the same. */
export function teacherProblems(student: ModelFacts, teacher: ModelFacts, texts: [TextModel, TextModel]): Problem[] {
  const refuse = (message: Phrase): Problem[] => [
    {
      code: "INVALID_INPUT",
      field: "objective.teacher",
      ...told({
        message: say`${"objective.teacher"}: ${message}`,
        remedy: say`choose a teacher of the same family of tokenizers, or train on answers that it wrote (sft)`,
      }),
    },
  ];
  if (student.vocabularySize !== teacher.vocabularySize)
    return refuse(
      say`it has a vocabulary of ${teacher.vocabularySize} tokens, the base ${student.vocabularySize}: both must share one tokenizer`,
    );
  const [mine, theirs] = texts.map(({ tokenizer }) => tokenizer) as [TextModel["tokenizer"], TextModel["tokenizer"]];
  for (let id = 0; id < student.vocabularySize; id++) {
    const [a, b] = [mine.tokenText(id), theirs.tokenText(id)];
    if (a !== b)
      return refuse(
        say`its token ${id} is ${JSON.stringify(b.slice(0, looksAt))}, that of the base ${JSON.stringify(a.slice(0, looksAt))}: both must share one tokenizer`,
      );
  }
  return [];
}

/** A teacher's file speaks of certain rows, written in a certain way. */
export function teacherFileProblems(...given: Parameters<typeof teacherMismatch>): Problem[] {
  const found = teacherMismatch(...given);
  if (!found) return [];
  const field = "objective.teacherFile";
  const texts = told({ message: say`${field}: ${found.message}`, remedy: found.remedy });
  return [{ code: "INVALID_INPUT", field, ...texts }];
}
