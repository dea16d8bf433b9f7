// Files that are broken in a known way, each refused with the error that says so: place, cause and, where one can mend it, how.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceError, type Words, wordsOfError } from "@anneal/contracts";
import { EngineError } from "@anneal/engine";
import { TextError } from "@anneal/text";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adapterCorpus } from "./adapter.ts";
import { BadLineFound, datasetCorpus } from "./dataset.ts";
import { folderCorpus } from "./folder.ts";
import { ggufCorpus } from "./gguf.ts";
import { headerOfLength, safetensorsCorpus } from "./safetensors.ts";
import { prepareShard, shardCorpus } from "./shard.ts";
import { prepareState, stateCorpus } from "./state.ts";
import { prepareTeacher, teacherCorpus } from "./teacher.ts";
import { ggufTokenizerCorpus, tokenizerCorpus } from "./tokenizer.ts";

const corpora = [
  safetensorsCorpus,
  folderCorpus,
  ggufCorpus,
  tokenizerCorpus,
  ggufTokenizerCorpus,
  adapterCorpus,
  stateCorpus,
  shardCorpus,
  teacherCorpus,
  datasetCorpus,
];

const root = mkdtempSync(join(tmpdir(), "anneal-malformed-"));
let folders = 0;
function freshFolder(): string {
  const dir = join(root, String(folders++));
  mkdirSync(dir);
  return dir;
}
beforeAll(async () => {
  await prepareShard(freshFolder());
  await prepareState(freshFolder());
  await prepareTeacher(freshFolder());
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Refusal {
  code: string;
  message: string;
  remedy: string | null; // null: the kind of error has none
  words: Words; // what a console says in another language
}

/** How a reader refuses: an error of ours. Anything else is thrown on and fails the test. */
async function refusalOf(read: () => unknown): Promise<Refusal | null> {
  try {
    await read();
    return null;
  } catch (error) {
    if (error instanceof EngineError) {
      // The sentence of the catalogue is the one that C++ would say.
      expect(error.message).toBe((error.cause as Error).message);
      return { code: error.code, message: error.message, remedy: null, words: wordsOfError(error) };
    }
    if (error instanceof TextError)
      return { code: "TextError", message: error.message, remedy: error.remedy, words: wordsOfError(error) };
    if (error instanceof BadLineFound)
      return { code: error.code, message: error.message, remedy: error.remedy, words: error.words };
    if (error instanceof ServiceError)
      return {
        code: error.problem.code,
        message: error.message,
        remedy: error.problem.remedy ?? "",
        words: wordsOfError(error),
      };
    throw error;
  }
}

test("the corpus holds 150 files and more, no two of a kind alike", () => {
  expect(corpora.reduce((sum, { cases }) => sum + cases.length, 0)).toBeGreaterThanOrEqual(150);
  for (const { reader, cases } of corpora)
    expect(new Set(cases.map(({ name }) => name)).size, reader).toBe(cases.length);
});

test("a header of any length is one: none is taken for a pickle by its first bytes", async () => {
  const dir = freshFolder();
  safetensorsCorpus.whole(dir);
  const path = join(dir, "model.safetensors");
  for (let length = 0; length < 65536; length += 8) {
    writeFileSync(path, headerOfLength(length));
    expect(await refusalOf(() => safetensorsCorpus.read(dir)), `${length} modulo 65536`).toBeNull();
  }
}, 120_000);

describe.each(corpora)("$reader", ({ whole, read, cases }) => {
  test("the whole file is read", async () => {
    const dir = freshFolder();
    whole(dir);
    expect(await refusalOf(() => read(dir))).toBeNull();
  });

  test.each(cases)("refused: $name", async ({ code, says, write }) => {
    const dir = freshFolder();
    write(dir);
    const refusal = await refusalOf(() => read(dir));
    expect(refusal).toMatchObject({
      code,
      message: typeof says === "string" ? expect.stringContaining(says) : expect.stringMatching(says),
    });
    expect(refusal?.remedy).not.toBe("");
    // Every one can be said in Chinese: it is a phrase, or a sentence of the engine whose form is known.
    expect(refusal?.words, refusal?.message).toBeTypeOf("object");
  });
});
