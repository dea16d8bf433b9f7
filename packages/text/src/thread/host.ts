import type { DatasetCheck, DatasetRow } from "@anneal/contracts";
import { messagesOf } from "@anneal/contracts";
import type { CheckOptions } from "../rows/tally.ts";
import type { TextModelRef, TextPort } from "./port.ts";
import { type Deadlines, Thread } from "./thread.ts";

export interface TextHostOptions extends Partial<Deadlines> {
  program: string; // main.ts as a file that Node runs
  threads?: number;
  modelsPerThread?: number;
}

const batchRows = 64;
const batchCharacters = 1 << 17;

/**
 * Runs tokenizers and chat templates of strangers in threads of their own, with a deadline and a limit of memory: a pattern
 * without end ends there, and takes nobody along. A thread does one job at a time and keeps the models used last.
 */
export function createTextHost(options: TextHostOptions): TextPort {
  const most = options.threads ?? 2;
  const modelsPerThread = options.modelsPerThread ?? 4;
  const idle: Thread[] = [];
  const busy = new Set<Thread>();
  const waiting: (() => void)[] = [];
  let closed = false;

  async function use<T>(models: readonly TextModelRef[], work: (thread: Thread) => Promise<T>): Promise<T> {
    while (busy.size >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    if (closed) throw new Error("the text threads are closed");
    const at = idle.findIndex((thread) => models.every(({ key }) => thread.has(key)));
    const thread = idle.splice(Math.max(0, at), 1)[0] ?? new Thread(options);
    busy.add(thread);
    thread.hold(true);
    try {
      for (const model of models) await thread.load(model, modelsPerThread);
      return await work(thread);
    } finally {
      busy.delete(thread);
      thread.hold(false);
      if (thread.alive && !closed) idle.push(thread);
      waiting.shift()?.();
    }
  }

  return {
    load: (model) => use([model], async () => undefined),
    check: (model, rows, checkOptions) => use([model], (thread) => check(thread, model, rows, checkOptions)),
    facts: (model, vocabularySize) => use([model], (thread) => thread.ask("facts", { key: model.key, vocabularySize })),
    firstDifference: (a, b, count) =>
      use([a, b], (thread) => thread.ask("difference", { keys: [a.key, b.key], count })),
    tokenReport: (model, embeddingRows, { gguf }) =>
      use([model], (thread) => thread.ask("report", { key: model.key, embeddingRows, gguf })),
    async close() {
      closed = true;
      await Promise.all([...idle, ...busy].map((thread) => thread.end()));
    },
  };
}

async function check(
  thread: Thread,
  model: TextModelRef,
  rows: AsyncIterable<DatasetRow> | Iterable<DatasetRow>,
  options: CheckOptions,
): Promise<DatasetCheck> {
  await thread.ask("begin", { key: model.key, options });
  let batch: DatasetRow[] = [];
  let characters = 0;
  let sent = 0;
  const send = async () => {
    const asked = batch;
    batch = [];
    characters = 0;
    await thread.askRows(asked, sent);
    sent += asked.length;
  };
  for await (const row of rows) {
    batch.push(row);
    characters += messagesOf(row).reduce((sum, { content }) => sum + content.length, 0);
    if (batch.length >= batchRows || characters >= batchCharacters) await send();
  }
  if (batch.length > 0) await send();
  return thread.ask("end", {});
}
