import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BaseSource } from "@anneal/contracts";
import { generationIds, type TextModel, textFiles } from "@anneal/text";
import { sourceOf } from "../prepare/text-model.ts";

// Read by programs of their own kinds beside tokenizer.json; what the base has goes along as it is.
const companions = [
  "tokenizer.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
];

/** Tokenizer and chat template beside weights, so that the next program asks the model as it was trained. */
export function writeText(dir: string, base: BaseSource, text: TextModel): void {
  if (base.kind === "hf")
    for (const name of companions)
      if (existsSync(join(base.dir, name))) copyFileSync(join(base.dir, name), join(dir, name));
  for (const [name, content] of Object.entries(textFiles(sourceOf(base), text)))
    writeFileSync(join(dir, name), content);
}

/** Where a text begins and ends, into the configuration of merged weights and beside it. */
export function writeEnds(dir: string, base: BaseSource, text: TextModel): void {
  const ids = generationIds(sourceOf(base), text);
  const path = join(dir, "config.json");
  // The engine's numbers stay as it wrote them: reading JSON and writing it again would change how they look.
  const config = readFileSync(path, "utf8")
    .trimEnd()
    .replace(/\s*\}$/, "");
  const fields = Object.entries(ids).map(([key, id]) => `  ${JSON.stringify(key)}: ${JSON.stringify(id)}`);
  writeFileSync(path, `${[config, ...fields].join(",\n")}\n}\n`);
  const own = base.kind === "hf" ? join(base.dir, "generation_config.json") : null;
  const settings: unknown = own && existsSync(own) ? JSON.parse(readFileSync(own, "utf8")) : {};
  writeFileSync(
    join(dir, "generation_config.json"),
    `${JSON.stringify({ ...(settings as object), ...ids }, null, 2)}\n`,
  );
}
