import { exportTextMetadata } from "../model/export-metadata.ts";
import type { TextSource } from "../model/source.ts";
import { loadTextModel, type TextModel } from "../model/text-model.ts";
import { tokensNeeded } from "../model/tokens-needed.ts";
import { DatasetTally } from "../rows/tally.ts";
import { textFacts } from "../teacher-file/fits.ts";
import { TextError } from "../text-error.ts";
import type { Request, Requests } from "./protocol.ts";

type Value = Requests[keyof Requests]["answer"];

/** The thread's side: text models it has loaded, and the check it is at. */
export class TextThread {
  private readonly models = new Map<string, { model: TextModel; source: TextSource }>();
  private tally: DatasetTally | null = null;
  private readonly onRow: () => void;

  constructor(onRow: () => void) {
    this.onRow = onRow;
  }

  answer(request: Request): Value {
    switch (request.kind) {
      case "load":
        this.models.set(request.key, { model: loadTextModel(request.source), source: request.source });
        return null;
      case "forget":
        this.models.delete(request.key);
        return null;
      case "begin":
        this.tally = new DatasetTally(this.known(request.key).model, request.options);
        return null;
      case "rows":
        for (const row of request.rows) {
          this.onRow();
          this.checked().add(row);
        }
        return null;
      case "end": {
        const check = this.checked().finish();
        this.tally = null;
        return check;
      }
      case "facts":
        return textFacts(this.known(request.key).model, request.vocabularySize);
      case "difference":
        return this.difference(request.keys, request.count);
      case "report":
        return this.report(request);
    }
  }

  private known(key: string) {
    const found = this.models.get(key);
    if (!found) throw new Error(`the thread has no text model ${key}`);
    return found;
  }

  private checked(): DatasetTally {
    if (!this.tally) throw new Error("the thread is at no check");
    return this.tally;
  }

  private difference([a, b]: [string, string], count: number): Requests["difference"]["answer"] {
    const [mine, theirs] = [this.known(a).model.tokenizer, this.known(b).model.tokenizer];
    for (let id = 0; id < count; id++) {
      const texts: [string, string] = [mine.tokenText(id), theirs.tokenText(id)];
      if (texts[0] !== texts[1]) return { id, texts };
    }
    return null;
  }

  private report({ key, embeddingRows, gguf }: Requests["report"]["asked"]): Requests["report"]["answer"] {
    const { model, source } = this.known(key);
    const report = {
      tokens: model.tokenizer.vocabularySize,
      needed: tokensNeeded(model).find(({ id }) => id >= embeddingRows) ?? null,
      gguf: null,
    };
    if (!gguf) return report;
    try {
      exportTextMetadata(source, model, { vocabularySize: embeddingRows });
      return report;
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      const { message, remedy, phrases } = error;
      return { ...report, gguf: { message, remedy, ...(phrases ? { phrases } : {}) } };
    }
  }
}

/** An error as it crosses to the host. */
export function replyOfError(error: unknown) {
  if (error instanceof TextError) {
    const { field, message, remedy, phrases } = error;
    return { refused: { field, message, remedy, phrases } };
  }
  return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
