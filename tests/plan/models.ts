// The models of the plan check, written when a cell asks for them.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type BaseSource, openSession, type TrainingSpec } from "@anneal/engine";
import { writeRandomLlama } from "../bench/support/random-model.ts";
import { writeInflatedModel } from "../support/model-files/inflated-model.ts";
import { writeByteTokenizer } from "../support/model-files/tiny-model.ts";
import { sharedPath } from "../support/paths.ts";

const widths = 16;
const vocabulary = 8192;
const middle = { layers: 8, hidden: 512, feedForward: 1536, heads: 8, keyValueHeads: 2, vocabulary: 32_768 };
const student = { ...middle, layers: 4 };

export class Models {
  constructor(private readonly folder: string) {}

  private make(name: string, write: (dir: string) => void): BaseSource & { kind: "hf" } {
    const dir = join(this.folder, name);
    if (!existsSync(dir)) write(dir);
    return { kind: "hf", dir };
  }

  middle(): BaseSource & { kind: "hf" } {
    return this.make("middle", (dir) => {
      writeRandomLlama(dir, middle);
      writeByteTokenizer(dir, middle.vocabulary);
    });
  }

  student(): BaseSource {
    return this.make("student", (dir) => {
      writeRandomLlama(dir, student);
      writeByteTokenizer(dir, student.vocabulary);
    });
  }

  family(name: string): BaseSource {
    return this.make(name, (dir) => {
      writeInflatedModel(dir, name, widths, vocabulary);
      writeByteTokenizer(dir, vocabulary);
    });
  }

  /** The middle model as Q8_0, for blocks that stay as they are. */
  async blocks(specOf: (base: BaseSource) => TrainingSpec): Promise<BaseSource> {
    const path = join(this.folder, "middle.gguf");
    if (existsSync(path)) return { kind: "gguf", path };
    const base = this.middle();
    const session = await openSession(specOf(base));
    const { loadTextModel, exportTextMetadata } = await import("@anneal/text");
    const metadata = exportTextMetadata(base, loadTextModel(base), { vocabularySize: middle.vocabulary });
    await session.exportGguf(path, { type: "Q8_0", metadata });
    await session.close();
    return { kind: "gguf", path };
  }

  /** The real model, where it lies beside the repository. */
  real(): BaseSource | null {
    const dir = sharedPath("models", "smollm2-135m-instruct");
    const file = dir ? readdirSync(dir).find((name) => name.endsWith(".gguf")) : undefined;
    return dir && file ? { kind: "gguf", path: join(dir, file) } : null;
  }
}
