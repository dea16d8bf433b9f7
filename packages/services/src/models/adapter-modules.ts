import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

const maxHeaderBytes = 32 * 1024 ** 2;

/**
 * The modules that a PEFT folder adapts, by their paths ("model.layers.0.self_attn.q_proj"): its tensors say so, whatever list, pattern or
 * "all-linear" target_modules was. Merged weights of experts are not among them.
 */
export async function adaptedModules(dir: string): Promise<string[]> {
  // Without waiting: a pipe in the file's place must not hang before it can be refused.
  const file = await open(join(dir, "adapter_model.safetensors"), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error("adapter_model.safetensors is no regular file");
    const length = Buffer.alloc(8);
    await file.read(length, 0, 8, 0);
    const bytes = length.readBigUInt64LE();
    if (bytes > maxHeaderBytes) throw new Error(`the header of adapter_model.safetensors has ${bytes} bytes`);
    const header = Buffer.alloc(Number(bytes));
    await file.read(header, 0, header.length, 8);
    const modules = Object.keys(JSON.parse(header.toString("utf8"))).flatMap((name) => {
      const module = /^base_model\.model\.(.+)\.lora_A\.weight$/.exec(name)?.[1];
      return module && !/\.experts(\.base_layer)?$/.test(module) ? [module] : [];
    });
    return [...new Set(modules)];
  } finally {
    await file.close();
  }
}

/** Short names of the linear layers that modules are; what is none of the model's keeps its last name. */
export function linearsOf(modules: readonly string[], linearNames: readonly string[]): string[] {
  const longestFirst = [...linearNames].sort((a, b) => b.length - a.length);
  const shortName = (module: string) =>
    longestFirst.find((name) => module.endsWith(`.${name}`)) ?? module.slice(module.lastIndexOf(".") + 1);
  return [...new Set(modules.map(shortName))];
}
