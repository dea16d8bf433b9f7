import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ColumnMapping, DatasetRow } from "@anneal/contracts";
import { importVersion, openVersion, versionPath } from "@anneal/data";
import { sharedPath } from "../support/paths.ts";

export interface RealFiles {
  model: string;
  train: string;
  test: string;
}

export const mapping: ColumnMapping = {
  user: "text",
  assistant: "category",
  systemText: "Name the intent of the customer's message.",
};

export function realFiles(): RealFiles | null {
  const model = sharedPath("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
  const train = sharedPath("data/banking77/train.csv");
  const test = sharedPath("data/banking77/test.csv");
  return model && train && test ? { model, train, test } : null;
}

/** All rows of a CSV file of questions, as conversations. */
export async function readQuestions(path: string): Promise<DatasetRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "anneal-questions-"));
  try {
    const { digest } = await importVersion(path, {
      fileName: path,
      format: "csv",
      mapping,
      skipBadLines: false,
      folder,
    });
    const reader = await openVersion(versionPath(folder, digest));
    try {
      const rows: DatasetRow[] = [];
      for await (const row of reader.all()) rows.push(row);
      return rows;
    } finally {
      await reader.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
