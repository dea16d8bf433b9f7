import { say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import { splitMerge, type TokenizerJson } from "./hf-json.ts";
import { PairTable } from "./pair-table.ts";

// The merges of a tokenizer.json by token ids. Throws TextError for one that joins what is no token, or to none.
export function pairTableOf(json: TokenizerJson, vocabulary: ReadonlyMap<string, number>): PairTable {
  const pairs = new PairTable(json.model.merges.length);
  json.model.merges.forEach((merge, rank) => {
    const [left, right] = splitMerge(merge, rank);
    const ids = [vocabulary.get(left), vocabulary.get(right), vocabulary.get(left + right)];
    if (ids[0] === undefined || ids[1] === undefined || ids[2] === undefined)
      throw new TextError(
        `tokenizer.json model.merges[${rank}]`,
        say`joins ${JSON.stringify(left)} and ${JSON.stringify(right)}, of which one or the result is no token`,
        say`Save the tokenizer again with a current version of its library.`,
      );
    pairs.set(ids[0], ids[1], rank, ids[2]);
  });
  return pairs;
}
