import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSession, type TrainingSpec } from "@anneal/engine";
import { openSafetensors } from "../../support/model-files/safetensors.ts";
import { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";
import { specOf } from "../engine/support.ts";
import { type Corpus, casesOf, type Row, tinyFolder, writeFolder } from "./corpus.ts";

// A checkpoint's state file: safetensors whose metadata says of which training it is.
const spec = (dir: string): TrainingSpec =>
  specOf({ base: { kind: "hf", dir }, maxTokensPerMicroBatch: 16, maxSequenceTokens: 16 });

let whole: { metadata: Record<string, string>; tensors: [string, number[]][] } = { metadata: {}, tensors: [] };

/** Saves the state of a fresh session once; the cases start from the same names and shapes. */
export async function prepareState(dir: string): Promise<void> {
  writeFolder(dir, tinyFolder());
  const session = await openSession(spec(dir));
  const path = join(dir, "state.safetensors");
  try {
    await session.saveState(path);
  } finally {
    await session.close();
  }
  const file = openSafetensors(path);
  const bytes = readFileSync(path);
  const header = bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0)));
  const { __metadata__ } = JSON.parse(header) as { __metadata__: Record<string, string> };
  whole = { metadata: __metadata__, tensors: file.names.map((name) => [name, file.shape(name)]) };
}

interface StateImage {
  metadata: Record<string, string | undefined>;
  image: SafetensorsImage;
}
function stateImage(): StateImage {
  const image = new SafetensorsImage();
  for (const [name, shape] of whole.tensors) image.add(name, shape);
  return { metadata: { ...whole.metadata }, image };
}
function writeState(dir: string, { metadata, image }: StateImage): void {
  writeFolder(dir, tinyFolder());
  image.metadata = metadata;
  writeFileSync(join(dir, "state.safetensors"), image.bytes());
}

const bad = "ENGINE_FORMAT";
const other = "ENGINE_INVALID_ARGUMENT";
const set =
  (fields: Record<string, string | undefined>) =>
  ({ metadata }: StateImage) =>
    Object.assign(metadata, fields);
const norm = "model.norm.weight";

const rows: Row<StateImage>[] = [
  ["weights that are no state", bad, "this is not a training state", set({ format: undefined })],
  ["a format of later", "ENGINE_UNSUPPORTED", "format anneal-state-99 is not", set({ format: "anneal-state-99" })],
  ["a step that is no number", bad, 'next_step: "soon" is no whole number', set({ next_step: "soon" })],
  ["a negative step", bad, 'next_step: "-1" is no whole number', set({ next_step: "-1" })],
  ["a step beyond 64 bits", bad, "is no whole number", set({ next_step: "99999999999999999999" })],
  ["another seed", other, "was saved with seed 7", set({ seed: "7" })],
  ["another optimizer", other, "was saved by lion", set({ optimizer: "lion" })],
  ["a loss scale that is no number", bad, 'loss_scale: "nan" is no loss scale', set({ loss_scale: "nan" })],
  [
    "one tensor less",
    bad,
    "tensors, this session trains",
    ({ image }) => {
      const last = [...image.entries.keys()].at(-1) ?? "";
      const size = image.entry(last).shape as number[];
      image.data = image.data.subarray(0, image.data.length - 4 * size.reduce((x, y) => x * y, 1));
      image.entries.delete(last);
    },
  ],
  [
    "a tensor of another name",
    bad,
    `tensor ${norm} is missing`,
    ({ image }) => (image.edit = (text) => text.replace(`"${norm}"`, '"model.norm.wait"')),
  ],
  [
    "a tensor of another shape",
    "ENGINE_SHAPE",
    `tensor ${norm} is F32`,
    ({ image }) => (image.entry(norm).shape = [2, 4]),
  ],
];

export const stateCorpus: Corpus = {
  reader: "checkpoint",
  whole: (dir) => writeState(dir, stateImage()),
  read: async (dir) => {
    const session = await openSession(spec(dir));
    try {
      await session.loadState(join(dir, "state.safetensors"));
    } finally {
      await session.close();
    }
  },
  cases: casesOf(rows, stateImage, writeState),
};
