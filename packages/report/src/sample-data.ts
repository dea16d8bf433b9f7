import type { ReportInput, ReportRow } from "./schema.ts";
import { seededRandom } from "./stats.ts";
import { judge } from "./verdict.ts";

const labels = [
  "card_arrival",
  "card_linking",
  "exchange_rate",
  "pin_blocked",
  "top_up_failed",
  "cash_withdrawal",
  "age_limit",
  "cancel_transfer",
  "lost_card",
  "refund",
  "verify_identity",
  "edit_details",
];

// Made-up figures for the tests of this package and for looking at the page; `hostile` fills it with attacks.
export function sampleReport(options: { rows?: number; hostile?: boolean; gain?: number } = {}): ReportInput {
  const { rows: count = 600, hostile = false, gain = 0.85 } = options;
  const random = seededRandom(11);
  const pick = () => labels[Math.floor(random() ** 1.6 * labels.length)] ?? "card_arrival";
  const attack = "<script>alert(1)</script>\u202eevil\u0007 \"'&{{x}} <img src=x onerror=y>";
  const rows: ReportRow[] = Array.from({ length: count }, (_, i) => {
    const expected = labels[i % labels.length] ?? "card_arrival";
    const tunedRight = random() < gain;
    const baseRight = random() < 0.04;
    const answer = tunedRight ? expected : pick();
    return {
      id: String(i),
      prompt: hostile ? `${attack} ${i}` : `Question ${i}: what should I do about ${expected.replaceAll("_", " ")}?`,
      expected,
      base: {
        answer: baseRight ? expected : hostile ? attack : "I am sorry, could you tell me more about it?",
        correct: baseRight,
        judged: true,
        cut: false,
      },
      tuned: { answer, correct: answer === expected, judged: true, cut: false },
    };
  });
  const curve = (name: string, unit: string, value: (step: number) => number, every = 1) => ({
    name,
    unit,
    points: Array.from({ length: Math.floor(400 / every) }, (_, i): [number, number] => [i * every, value(i * every)]),
  });
  const name = hostile ? attack : "intents-demo";
  return {
    generatedAt: "2026-01-02T03:04:05.000Z",
    annealVersion: "0.1.0",
    run: {
      id: "run_0123456789",
      name,
      startedAt: null,
      finishedAt: null,
      trainSeconds: 1834,
      steps: 400,
      trainedTokens: 443_427,
    },
    base: {
      name: hostile ? attack : "smollm2-135m-instruct",
      architecture: "llama",
      parameters: 134_515_008,
      license: "Apache-2.0",
    },
    dataset: {
      name: hostile ? attack : "banking77",
      version: "v1",
      trainRows: 10_003,
      heldOutRows: 3080,
      heldOutSource: "the test file of the dataset, its own templates",
    },
    evaluation: {
      verdict: judge({
        answers: {
          kind: "labels",
          rows: rows.map(({ base, tuned }) => ({ base: base?.correct ?? null, tuned: tuned.correct })),
        },
        preferences: null,
        losses: rows.map(() => {
          const tokens = 3 + Math.floor(random() * 4);
          return { base: tokens * (2.4 + random()), tuned: tokens * (0.2 + random() * 0.4), tokens };
        }),
        counts: null,
        seen: null,
      }),
      labels: true,
      matchRule: "the answer without outer blanks equals the expected one, letter by letter",
      decoding: "greedy, at most 32 new tokens",
      rows,
      baseLossNats: 2.91,
      tunedLossNats: 0.41,
    },
    curves: [
      curve("train/loss", "nats", (s) => 2.6 * Math.exp(-s / 60) + 0.35 + random() * 0.15),
      curve("eval/loss", "nats", (s) => 2.5 * Math.exp(-s / 60) + 0.42, 40),
      curve(
        "optim/learning_rate",
        "",
        (s) => (s < 20 ? s / 20 : 0.5 * (1 + Math.cos((Math.PI * (s - 20)) / 380))) * 1e-3,
      ),
      curve("optim/grad_norm", "", () => 0.6 + random()),
      curve("speed/tokens_per_second", "tokens/s", () => 410 + random() * 20),
    ],
    serving: [
      {
        model: "intents:latest",
        server: "Ollama 0.33.0",
        concurrency: 1,
        latencySeconds: Array.from({ length: 120 }, () => 0.12 + random() ** 3 * 0.4),
        firstTokenSeconds: Array.from({ length: 120 }, () => 0.04 + random() ** 3 * 0.1),
        tokensPerSecond: Array.from({ length: 120 }, () => 60 + random() * 15),
        answerTokens: 840,
        peakMemoryBytes: 412 * 1024 ** 2,
        ggufType: "Q8_0",
        ggufBytes: 144_811_072,
      },
    ],
    training: { tokensPerSecond: 418, peakMemoryBytes: 1.31 * 1024 ** 3, plannedMemoryBytes: 1.36 * 1024 ** 3 },
    settings: [
      { group: "Method", name: "method", value: "LoRA, rank 16, alpha 32, all linear layers" },
      { group: "Optimizer", name: "learning rate", value: "1e-3, cosine, 20 warm-up steps" },
      { group: "Data", name: "system line", value: "Name the intent of the customer's message." },
    ],
    provenance: [
      {
        what: "base model",
        name: "SmolLM2-135M-Instruct-Q4_1.gguf",
        digest: `sha256:${"ab".repeat(32)}`,
        bytes: 98_000_000,
      },
      { what: "dataset", name: "banking77 v1", digest: `sha256:${"cd".repeat(32)}`, bytes: 800_000 },
      { what: "GGUF", name: "intents-Q8_0.gguf", digest: `sha256:${"ef".repeat(32)}`, bytes: 144_811_072 },
    ],
    machine: { engineVersion: "engine 0.1.0", isa: "avx512_bf16", threads: 2, cpu: "Intel Xeon", os: "Linux 6.1" },
    notes: [],
  };
}
