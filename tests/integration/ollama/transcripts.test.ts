import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type OllamaStandin, startOllamaStandin } from "../../support/ollama-standin/index.ts";
import { readRecordings } from "../../support/ollama-standin/replay/recording.ts";
import { type Outcome, Replay } from "../../support/ollama-standin/replay/replay.ts";
import { fixtures, sharedPath } from "../../support/paths.ts";

// The whole set lies beside the repository; a selection of it is always here.
const whole = sharedPath("ollama", "transcripts.json");
const smollm2 = sharedPath("models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");
const recordings = readRecordings(whole ?? join(fixtures, "ollama", "recordings.json"));

describe(`the stand-in agrees with ${recordings.length} recorded exchanges of a real Ollama`, () => {
  const running = new Map<string, OllamaStandin>();
  const folders = new Map<string, string>();
  const server = async (kind: string): Promise<OllamaStandin> => {
    const known = running.get(kind);
    if (known) return known;
    const models = folders.get(kind) ?? (await mkdtemp(join(tmpdir(), "standin-replay-")));
    folders.set(kind, models);
    const started = await startOllamaStandin({
      models,
      hasQuantizer: kind !== "without quantizer",
      goTemplates: kind === "jinja" ? false : null,
      // The small models answer through llama.cpp; the big one would only make the test slow.
      answers: { llamaBelowBytes: 16 * 1024 * 1024 },
    });
    running.set(kind, started);
    return started;
  };
  afterAll(async () => {
    for (const standin of running.values()) await standin.stop();
    for (const folder of folders.values()) await rm(folder, { recursive: true, force: true });
  });

  it("answers as recorded, save for words of a model and what is named as outside", async () => {
    const replay = new Replay({
      server,
      restart: async (kind) => {
        await running.get(kind)?.stop();
        running.delete(kind);
      },
      smollm2,
    });
    const outcomes = await replay.run(recordings);
    const different = outcomes.flatMap(({ id, verdict }) =>
      "same" in verdict && !verdict.same ? [`${id}: ${verdict.why}`] : [],
    );
    console.log(summary(outcomes));
    expect(different).toEqual([]);
  }, 900_000);

  it("shows a wrong answer as one (control)", async () => {
    const [first] = recordings.filter(({ id }) => id === "basic.show.unknown");
    if (!first) throw new Error("basic.show.unknown is missing");
    const changed = { ...first, response: { ...first.response, body: { error: "model 'nosuch' not found" } } };
    const replay = new Replay({ server, restart: async () => undefined, smollm2: null });
    const [outcome] = await replay.run([changed]);
    expect(outcome?.verdict).toMatchObject({ same: false });
  });
});

function summary(outcomes: Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { verdict } of outcomes) {
    const key =
      "skipped" in verdict
        ? `skipped: ${verdict.skipped}`
        : !verdict.same
          ? "different"
          : verdict.wordsDiffer
            ? "equal but for a model's words"
            : "equal";
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => `${count} ${key}`).join("; ");
}
