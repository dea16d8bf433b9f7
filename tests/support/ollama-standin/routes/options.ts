import { ReplyError } from "../faulty.ts";
import type { Json } from "../go/go-json.ts";

const integers =
  "num_keep seed num_predict top_k repeat_last_n num_ctx num_batch num_gpu main_gpu num_thread draft_num_predict".split(
    " ",
  );
const floats = "top_p min_p typical_p temperature repeat_penalty presence_penalty frequency_penalty".split(" ");

export interface Options {
  numbers: Record<string, number>;
  stop: string[] | null;
}

// The model's options, then the request's over them. Unknown names pass; a wrong type does not.
export function readOptions(...sources: (Record<string, Json> | null)[]): Options {
  const options: Options = { numbers: {}, stop: null };
  for (const source of sources)
    for (const [key, value] of Object.entries(source ?? {})) {
      if (value === null) continue;
      const wrong = (type: string): never => {
        throw new ReplyError(500, `option ${JSON.stringify(key)} must be of ${type}`);
      };
      if (integers.includes(key))
        options.numbers[key] = typeof value === "number" ? Math.trunc(value) : wrong("type integer");
      else if (floats.includes(key)) options.numbers[key] = typeof value === "number" ? value : wrong("type float32");
      else if (key === "use_mmap") {
        if (typeof value !== "boolean") wrong("type boolean");
      } else if (key === "stop") {
        if (!Array.isArray(value)) wrong("type array");
        else options.stop = value.map((text) => (typeof text === "string" ? text : wrong("an array of strings")));
      }
    }
  return options;
}

const units: Record<string, number> = { ns: 1e-9, us: 1e-6, "\u00b5s": 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

// `keep_alive` in seconds; negative means for ever. Null when the request does not say.
export function keepAliveSeconds(value: Json): number | null {
  if (value === null) return null;
  if (typeof value === "number") return value;
  if (typeof value !== "string") {
    const type = Array.isArray(value)
      ? "[]interface {}"
      : typeof value === "boolean"
        ? "bool"
        : "map[string]interface {}";
    throw new ReplyError(400, `Unsupported type: '${type}'`);
  }
  const invalid = () => new ReplyError(400, `time: invalid duration ${JSON.stringify(value)}`);
  const found = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|ms|s|m|h))+$/.exec(value);
  if (value === "0") return 0;
  if (!found) {
    if (/^[+-]?\d+(\.\d+)?$/.test(value))
      throw new ReplyError(400, `time: missing unit in duration ${JSON.stringify(value)}`);
    throw invalid();
  }
  let seconds = 0;
  for (const [, amount = "0", unit = "s"] of value.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|ms|s|m|h)/g))
    seconds += Number(amount) * (units[unit] ?? 0);
  return value.startsWith("-") ? -Math.max(seconds, 1) : seconds;
}
