import { type ModelFacts, type Phrase, type Problem, say, told } from "@anneal/contracts";
import { type TextPort, teacherMismatch } from "@anneal/text";

const looksAt = 50; // differing tokens are told from the first

/** A teacher's probabilities are of its own tokens: they mean something to the student only if the tokens are the same. */
export async function teacherProblems(
  student: ModelFacts,
  teacher: ModelFacts,
  firstDifference: (count: number) => ReturnType<TextPort["firstDifference"]>,
): Promise<Problem[]> {
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
  const found = await firstDifference(student.vocabularySize);
  if (found) {
    const [mine, theirs] = found.texts.map((text) => JSON.stringify(text.slice(0, looksAt)));
    return refuse(say`its token ${found.id} is ${theirs}, that of the base ${mine}: both must share one tokenizer`);
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
