import type { DatasetRow } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { byteModel } from "../testing/byte-model.ts";
import { checkDataset } from "./check-dataset.ts";

const model = byteModel();
const answer = (content: string): DatasetRow => ({
  messages: [
    { role: "user", content: "q" },
    { role: "assistant", content },
  ],
});

describe("checkDataset", () => {
  it("counts what training would see", async () => {
    const frame = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n".replaceAll(
      /<\|\w+\|>/g,
      "c",
    ).length;
    const rows = [answer("a"), answer("b".repeat(100)), { messages: [{ role: "user" as const, content: "alone" }] }];
    const check = await checkDataset(model, rows, { maxSequenceTokens: 60, examples: 4 });
    const lonely = "c".length + "user\nalone".length + 1 + "\n".length;
    expect(check).toMatchObject({
      rows: 3,
      tokens: frame + 1 + 60 + lonely,
      supervisedTokens: 2 + 60 - (frame - 2),
      truncatedRows: 1,
      zeroTargetRows: 1,
      longestTokens: frame + 100,
    });
    expect(check.histogram.reduce((sum, bucket) => sum + bucket.rows, 0)).toBe(3);
    for (const bucket of check.histogram) expect(Number.isInteger(bucket.upToTokens)).toBe(true);
    expect(check.examples.map((row) => row.row)).toEqual([0, 1].concat(check.examples.length === 3 ? [2] : []));
  });

  it("names the row that the template refuses", async () => {
    const strict = byteModel({
      chatTemplate: "{% if messages|length > 2 %}{{ raise_exception('too many') }}{% endif %}x",
    });
    const rows: DatasetRow[] = [
      answer("a"),
      {
        messages: [
          ...("messages" in answer("a") ? (answer("a") as { messages: [] }).messages : []),
          { role: "user", content: "more" },
        ],
      },
    ];
    await expect(checkDataset(strict, rows, { maxSequenceTokens: 60, examples: 1 })).rejects.toThrow(
      /^row 2: .*too many/,
    );
  });

  it("stops when asked, and takes rows as they come", async () => {
    const controller = new AbortController();
    let given = 0;
    async function* endless(): AsyncGenerator<DatasetRow> {
      for (;;) {
        if (++given === 50) controller.abort(new Error("enough"));
        yield answer("a".repeat(2000));
      }
    }
    await expect(
      checkDataset(model, endless(), { maxSequenceTokens: 60, examples: 1, signal: controller.signal }),
    ).rejects.toThrow("enough");
  });
});
