import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { TextModelRef } from "@anneal/text";
import type { WorkContext } from "../context.ts";
import type { BaseSource } from "../ports.ts";
import { identityOf } from "./facts.ts";
import { foreignError } from "./foreign-error.ts";

const textFiles = [
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "chat_template.json",
  "generation_config.json",
];

/** Tokenizer and chat template of a model, from its own files, for the text port: it reads them where they hold up nobody. */
export async function textModelOf(ctx: Pick<WorkContext, "engine">, source: BaseSource): Promise<TextModelRef> {
  try {
    const identity = await identityOf(source);
    if (source.kind === "hf") {
      const marks = textFiles.map((name) =>
        stat(join(source.dir, name)).then(
          ({ size, mtimeMs, ino }) => `${size}|${mtimeMs}|${ino}`,
          () => "",
        ),
      );
      return { key: [identity, ...(await Promise.all(marks))].join("|"), source: () => source };
    }
    return {
      key: identity,
      source() {
        const { metadata } = ctx.engine.readGgufMetadata(source.path);
        const wanted = Object.entries(metadata).filter(
          ([key]) => key.startsWith("tokenizer.") || key === "general.name",
        );
        return { kind: "gguf", metadata: Object.fromEntries(wanted) };
      },
    };
  } catch (error) {
    throw foreignError(error, "base");
  }
}
