import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSafetensors } from "../support/model-files/safetensors.ts";

/** Writes a Hugging Face folder with only the named layers of another one (float32), in order. */
export function cutLayers(from: string, to: string, layers: readonly number[]): void {
  mkdirSync(to, { recursive: true });
  const config = JSON.parse(readFileSync(join(from, "config.json"), "utf8"));
  writeFileSync(join(to, "config.json"), JSON.stringify({ ...config, num_hidden_layers: layers.length }));
  const whole = openSafetensors(join(from, "model.safetensors"));
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const name of whole.names) {
    const [, layer, rest] = /^model\.layers\.(\d+)\.(.*)$/.exec(name) ?? [];
    const kept = layer === undefined ? 0 : layers.indexOf(Number(layer));
    if (kept < 0) continue;
    const { buffer } = whole.floats(name);
    header[layer === undefined ? name : `model.layers.${kept}.${rest}`] = {
      dtype: "F32",
      shape: whole.shape(name),
      data_offsets: [at, at + buffer.byteLength],
    };
    parts.push(new Uint8Array(buffer));
    at += buffer.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(join(to, "model.safetensors"), Buffer.concat([size, json, ...parts]));
}
