import {
  type ModelFacts,
  type Phrase,
  type Problem,
  type RunSpec,
  say,
  told,
  type Words,
  wordsOf,
} from "@anneal/contracts";
import type { TokenReport } from "@anneal/text";
import type { WorkContext } from "../../context.ts";
import { foreignError } from "../../models/foreign-error.ts";
import { textModelOf } from "../../models/text-model.ts";
import type { BaseSource } from "../../ports.ts";

const uses: Record<NonNullable<TokenReport["needed"]>["by"], Phrase> = {
  template: say`the chat template writes it`,
  end: say`it ends an answer`,
  start: say`it begins every text`,
};

const problem = (field: string, message: Words, remedy: Words): Problem => ({
  code: "INVALID_INPUT",
  field,
  ...told({ message: say`${field}: ${message}`, remedy }),
});

/**
 * Whether the base's tokens go with the rows of its embedding, and into the GGUFs to be made. A token without a row that nothing
 * needs is left out of them (`more`: there are such tokens, and rows of the dataset may still use one).
 */
export async function tokenProblems(
  ctx: WorkContext,
  spec: RunSpec,
  source: BaseSource,
  { vocabularySize: rows }: ModelFacts,
): Promise<{ problems: Problem[]; more: boolean }> {
  const gguf = spec.export.gguf.length > 0;
  const { tokens, needed, ...report } = await ctx.text
    .tokenReport(await textModelOf(ctx, source), rows, { gguf })
    .catch((error: unknown) => {
      throw foreignError(error, "base");
    });
  const original = say`use the tokenizer and the weights that belong together`;
  const problems: Problem[] = [];
  if (needed)
    problems.push(
      problem(
        "base",
        say`its tokenizer has ${tokens} tokens, its embedding ${rows} rows: token ${needed.id} (${JSON.stringify(needed.text)}) has no row, and ${uses[needed.by]}`,
        original,
      ),
    );
  // A GGUF whose two disagree is loaded by no server; its tokens are carried over as they are.
  else if (source.kind === "gguf" && tokens !== rows)
    problems.push(
      problem("base", say`tokenizer.ggml.tokens lists ${tokens} tokens, its embedding has ${rows} rows`, original),
    );
  else if (report.gguf)
    problems.push(problem("export.gguf", wordsOf(report.gguf, "message"), wordsOf(report.gguf, "remedy") ?? original));
  return { problems, more: tokens > rows };
}
