// The real llama.cpp, for tests that hold a GGUF of ours against it.
import { getLlama, type Llama, LlamaLogLevel, type Token } from "node-llama-cpp";

export interface Place {
  token: number;
  best: [number, number][]; // token, natural log-probability
}

export const startLlama = (): Promise<Llama> => getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.error });

/** llama.cpp's greedy continuation, with the best ten of every place. `cache`: type of its keys and values. */
export async function continuation(
  llama: Llama,
  path: string,
  prompt: readonly number[],
  count: number,
  cache: "F16" | "F32" = "F16",
): Promise<Place[]> {
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: 256,
    flashAttention: false,
    threads: 1, // its threads wait by spinning: on a busy machine more are slower
    experimentalKvCacheKeyType: cache,
    experimentalKvCacheValueType: cache,
  });
  const places: Place[] = [];
  const stream = context
    .getSequence()
    .evaluateWithMetadata([...prompt] as Token[], { probabilities: true }, { temperature: 0, yieldEogToken: true });
  for await (const { token, probabilities } of stream) {
    const best = [...probabilities].map(([id, p]): [number, number] => [id, Math.log(p)]);
    places.push({ token, best: best.sort((a, b) => b[1] - a[1]).slice(0, 10) });
    if (places.length === count) break;
  }
  await context.dispose();
  await model.dispose();
  return places;
}
