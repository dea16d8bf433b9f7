import type { Verdict } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { analyse } from "./analysis.ts";
import { thin, ticks } from "./charts.ts";
import { escapeText, foreign } from "./html.ts";
import { renderReport } from "./render.ts";
import { sampleReport } from "./sample-data.ts";
import { ReportData, type ReportInput } from "./schema.ts";

describe("adapters side by side", () => {
  const input = sampleReport({ rows: 4 });
  const adapter = (name: string, lossNats: number | null, is: { best: boolean; exported: boolean }) => ({
    name,
    rank: 8,
    alpha: 16,
    learningRate: 0.002,
    seed: 7,
    lossNats,
    exactMatch: lossNats === null ? null : 0.75,
    ...is,
  });
  const page = renderReport({
    ...input,
    adapters: [
      adapter("<low>", 0.4321, { best: true, exported: false }),
      adapter("high", 0.9, { best: false, exported: true }),
      adapter("unmeasured", null, { best: false, exported: false }),
    ],
    curves: [
      ...(input.curves ?? []),
      {
        name: "train/loss@<low>",
        unit: "nats",
        points: [
          [1, 3],
          [2, 1],
        ],
      },
      {
        name: "train/loss@high",
        unit: "nats",
        points: [
          [1, 3],
          [2, 2],
        ],
      },
    ],
  });
  it("stand in one table with their figures, the best and the exported one marked", () => {
    expect(page).toContain("Adapters trained side by side");
    expect(page).toMatch(/&lt;low&gt;<\/bdi> <span class="right">lowest loss<\/span>/);
    expect(page).toMatch(/high<\/bdi><\/b> <span class="right">exported<\/span>/);
    expect(page).toContain("0.432");
    expect(page).toMatch(/unmeasured.*<td class="n">–<\/td><td class="n">–<\/td>/);
    expect(renderReport(input)).not.toContain("Adapters trained side by side");
  });
  it("name the one whose answers are shown", () => {
    expect(page).toMatch(/<th>Tuned \(<bdi[^>]*>high<\/bdi>\)<\/th>/);
    expect(renderReport(input)).toContain("<th>Tuned</th>");
  });
  it("have one picture for their losses, and none each among the training curves", () => {
    expect(page.match(/class="curve a\d+"/g)).toEqual(['class="curve a0"', 'class="curve a1"']);
    expect(page).not.toContain("<low>");
  });
});

describe("preferences", () => {
  const input = sampleReport({ rows: 4 });
  const withPairs = (base: number | null, tuned: number): ReportInput => ({
    ...input,
    evaluation: {
      ...input.evaluation,
      preference: {
        rewardMargin: 0.7,
        rewardAccuracy: 0.9,
        pairs: Array.from({ length: 60 }, (_, i) => ({
          id: String(i),
          prompt: `question ${i}`,
          chosen: "<b>good</b>",
          rejected: "bad",
          base: base === null ? null : base * (i % 2 ? 1 : -1),
          tuned: tuned * (i % 20 ? 1 : -1),
        })),
      },
    },
  });
  it("are judged by which answer scores higher, and shown with their margin", () => {
    const page = renderReport(withPairs(1, 2));
    expect(page).toContain("Preferences on held-out rows");
    expect(page).toContain("+0.700");
    expect(page).toContain("Better answer ranked higher");
    expect(page).toContain("&lt;b&gt;good");
    expect(page).not.toContain("Most frequent confusions");
    expect(renderReport(input)).not.toContain("Preferences on held-out rows");
  });
});

describe("verdict", () => {
  const input = sampleReport({ rows: 60 });
  const withVerdict = (verdict: ReportInput["evaluation"]["verdict"]): ReportInput => ({
    ...input,
    evaluation: { ...input.evaluation, verdict },
  });
  const given: Verdict = {
    outcome: "mixed",
    headline: { pattern: "a {0} headline", values: ["<b>"] },
    reasons: [{ pattern: "a reason", values: [] }],
    limits: [{ pattern: "a limit", values: [] }],
  };
  it("stands first, in its own words, in the reader's language", () => {
    const page = renderReport(withVerdict(given));
    expect(page).toContain('<section class="card verdict mixed"><strong>a &lt;b&gt; headline</strong>');
    expect(page.match(/a reason/g)).toHaveLength(1);
    expect(page.match(/a limit/g)).toHaveLength(2); // beside the verdict, and among the limits
    const chinese = renderReport(withVerdict(given), { language: "zh-CN", phrases: { "a {0} headline": "标题 {0}" } });
    expect(chinese).toContain("<strong>标题 &lt;b&gt;</strong>");
  });
  it("is missing where nothing was held out", () => {
    expect(renderReport(withVerdict(null))).toContain("No rows were held out");
  });
  it("leaves rows out that no model could answer, and shows them apart", () => {
    const rows = input.evaluation.rows.map((row, i) =>
      i === 0 ? { ...row, tuned: { ...row.tuned, correct: false, judged: false, cut: true } } : row,
    );
    const changed = { ...input, evaluation: { ...input.evaluation, rows } };
    expect(analyse(ReportData.parse(changed)).tuned.count).toBe(59);
    expect(renderReport(changed)).toContain("cut at the cap");
    const none = { ...input, evaluation: { ...input.evaluation, rows: [] } };
    expect(renderReport(none)).not.toContain("0.0%");
  });
  it("of labels is told as such however few rows show them", () => {
    const few = { ...input, evaluation: { ...input.evaluation, rows: input.evaluation.rows.slice(0, 5) } };
    expect(renderReport(few)).not.toContain("free text");
    expect(renderReport(few)).toContain("Label accuracy");
    expect(renderReport({ ...few, evaluation: { ...few.evaluation, labels: false } })).toContain("free text");
  });
});

describe("speed", () => {
  it("is the mean of all tokens, with the slow end of each figure", () => {
    const input = sampleReport({ rows: 4 });
    const [serving] = input.serving ?? [];
    if (!serving) throw new Error("no serving figures");
    const speeds = [...Array.from({ length: 98 }, (_, i) => 600 + i), 700, 6549];
    const page = renderReport({
      ...input,
      serving: [
        {
          ...serving,
          tokensPerSecond: speeds,
          answerTokens: 1120,
          decodeSeconds: 2,
          latencySeconds: Array(120).fill(0.1),
        },
      ],
    });
    const line = /Tokens per second<\/td>(.*?)<\/tr>/
      .exec(page)?.[1]
      ?.replace(/<[^>]+>/g, " ")
      .trim()
      .split(/\s+/);
    expect(line?.[0]).toBe("500.0"); // (1120 - 120) / 2
    const [, median, tenth, hundredth] = (line ?? []).map((text) => Number(text.replace(",", "")));
    expect([median, tenth, hundredth]).toEqual([649.5, 609.9, 601]);
    expect(page).toContain("not in Ollama");
  });
});

describe("confusions", () => {
  it("counts pairs and keeps matrix totals", () => {
    const { confusions, matrix } = analyse(ReportData.parse(sampleReport({ rows: 600, gain: 0.5 })));
    const wrong = confusions.reduce((sum, c) => sum + c.count, 0);
    const input = ReportData.parse(sampleReport({ rows: 600, gain: 0.5 }));
    expect(wrong).toBe(input.evaluation.rows.filter((r) => !r.tuned.correct).length);
    for (const [i, label] of (matrix?.labels ?? []).entries()) {
      const total = (matrix?.counts[i] ?? []).reduce((a, b) => a + b, 0) + (matrix?.other[i] ?? 0);
      expect(total).toBe(input.evaluation.rows.filter((r) => r.expected === label).length);
    }
  });
});

describe("escaping", () => {
  it("lets no markup through and shows what is invisible", () => {
    expect(escapeText(`<a href="x">'&`)).toBe("&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    expect(escapeText("a\u202eb\u0000c\u200bd\ud800e\u2028")).toBe("a[U+202E]b[U+0000]c[U+200B]d[U+D800]e[U+2028]");
    expect(escapeText("line\n\ttab 中文 é😀")).toBe("line\n\ttab 中文 é😀");
  });
  it("does not take a text's own brackets for a mark", () => {
    expect(foreign("[U+202E]").text).not.toContain("<span");
    expect(foreign("\u202e").text).toContain('<span class="mark" title="U+202E">');
  });
  it("renders a hostile report without live markup", () => {
    const page = renderReport(sampleReport({ hostile: true, rows: 60 }));
    expect(page).not.toMatch(/<script|<img|<[^>]*\son\w+=/i);
    expect(page).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\p{Cc}(?<!\n)/u);
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
    expect(page).not.toMatch(/<[^>]*\s(?:src|href)=|url\(|@import|https?:\/\//);
  });
});

describe("page", () => {
  it("is the same for the same data", () => expect(renderReport(sampleReport())).toBe(renderReport(sampleReport())));
  it("speaks Chinese", () => {
    const page = renderReport(sampleReport({ rows: 60 }), { language: "zh-CN" });
    expect(page).toContain('<html lang="zh-CN">');
    expect(page).toContain("本评估的局限");
    expect(page).not.toContain("Quality on held-out rows");
  });
  it("names the field that does not fit", () => {
    const input = sampleReport({ rows: 4 });
    expect(() => renderReport({ ...input, machine: { ...input.machine, threads: 0 } })).toThrow(/threads/);
  });
  it("stands without curves, serving, settings and rows", () => {
    const input = sampleReport({ rows: 4 });
    const bare = {
      ...input,
      curves: [],
      serving: [],
      settings: [],
      provenance: [],
      evaluation: { ...input.evaluation, rows: [], baseLossNats: null, tunedLossNats: null },
    };
    const page = renderReport(bare);
    expect(page).toContain("The tuned model is better, by loss"); // measured elsewhere
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("charts", () => {
  it("puts ticks on round numbers", () => {
    expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks(0, 1, 4).map((t) => t.toFixed(1))).toEqual(["0.0", "0.5", "1.0"]);
  });
  it("keeps spikes when it thins", () => {
    const points = Array.from({ length: 10_000 }, (_, i): [number, number] => [i, i === 4321 ? 99 : 1]);
    const kept = thin(points, 100);
    expect(kept.length).toBeLessThanOrEqual(200);
    expect(kept).toContainEqual([4321, 99]);
  });
});
