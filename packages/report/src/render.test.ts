import { describe, expect, it } from "vitest";
import { analyse } from "./analysis.ts";
import { thin, ticks } from "./charts.ts";
import { escapeText, foreign } from "./html.ts";
import { renderReport } from "./render.ts";
import { sampleReport } from "./sample-data.ts";
import { ReportData, type ReportInput } from "./schema.ts";

const withRows = (rows: [base: boolean, tuned: boolean][]): ReportInput => {
  const input = sampleReport({ rows: 4 });
  return {
    ...input,
    evaluation: {
      ...input.evaluation,
      rows: rows.map(([base, tuned], i) => ({
        id: String(i),
        prompt: `q${i}`,
        expected: i % 2 === 0 ? "a" : "b",
        base: { answer: base ? "x" : "y", correct: base },
        tuned: { answer: tuned ? "x" : "z", correct: tuned },
      })),
    },
  };
};
const verdict = (input: ReportInput) => analyse(ReportData.parse(input)).verdict;
const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

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
    expect(verdict(withPairs(1, 2))).toBe("better");
    expect(verdict(withPairs(1, -2))).toBe("not-better");
    expect(verdict(withPairs(null, 2))).toBe("uncertain"); // marks have no base to compare with
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
  it("says better when the interval clears zero", () => {
    expect(
      verdict(
        withRows([
          ...repeat(40, [false, true] as [boolean, boolean]),
          ...repeat(20, [true, true] as [boolean, boolean]),
        ]),
      ),
    ).toBe("better");
  });
  it("says not better when a gain can be ruled out", () => {
    expect(
      verdict(
        withRows([
          ...repeat(30, [true, false] as [boolean, boolean]),
          ...repeat(300, [true, true] as [boolean, boolean]),
        ]),
      ),
    ).toBe("not-better");
    expect(verdict(withRows(repeat(500, [true, true] as [boolean, boolean])))).toBe("not-better");
  });
  it("admits that few rows say little", () => {
    expect(
      verdict(
        withRows([
          [false, true],
          [true, true],
          [true, false],
          [false, true],
          [false, false],
        ]),
      ),
    ).toBe("uncertain");
  });
  it("goes by the loss where answers are free text", () => {
    const input = sampleReport({ rows: 60, gain: 0 });
    expect(verdict({ ...input, evaluation: { ...input.evaluation, primary: "loss" } })).toBe("better");
  });
  it("says nothing without base answers", () => {
    const input = sampleReport({ rows: 20 });
    const rows = input.evaluation.rows.map((row) => ({ ...row, base: null }));
    expect(verdict({ ...input, evaluation: { ...input.evaluation, rows } })).toBe("uncertain");
    expect(renderReport({ ...input, evaluation: { ...input.evaluation, rows } })).toContain(
      "was not evaluated on the same rows",
    );
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
    expect(page).toContain("本评测的局限");
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
    expect(page).toContain("Uncertain");
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
