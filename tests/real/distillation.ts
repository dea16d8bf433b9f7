import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DistillObjective, type Objective, openSession, readGgufMetadata, type Session } from "@anneal/engine";
import { encodeRow, loadTextModel } from "@anneal/text";
import { cutLayers } from "./cut-layers.ts";
import type { Case } from "./figures.ts";
import { readQuestions } from "./real-files.ts";
import { commonSpec, loraSpec, microBatches, train, type Unit } from "./training.ts";

const keptLayers = Array.from({ length: 10 }, (_, i) => 3 * i);
const steps = 60;

/** Mean forward KL from the teacher and mean cross-entropy, over held-out tokens. */
async function distance(session: Session, heldOut: Parameters<Session["measure"]>[0]) {
  const { metrics } = await session.measure(heldOut);
  return { divergence: metrics.divergence ?? Number.NaN, nll: metrics.nll ?? Number.NaN };
}

export const distillation: Case = async ({ files }) => {
  const folder = mkdtempSync(join(tmpdir(), "anneal-student-"));
  try {
    const text = loadTextModel({ kind: "gguf", metadata: readGgufMetadata(files.model).metadata });
    const whole = await openSession({ ...commonSpec, ...loraSpec, base: { kind: "gguf", path: files.model } });
    await whole.exportMerged(join(folder, "whole"), { dtype: "f32" });
    await whole.close();
    cutLayers(join(folder, "whole"), join(folder, "student"), keptLayers);
    // Plain questions: every token is one to learn, as a student of a language model learns them.
    const rows = (await readQuestions(files.train)).flatMap((row) => ("messages" in row ? [row.messages] : []));
    const units: Unit[] = rows
      .filter((_, i) => i % 10 === 0)
      .map((messages) => ({ sequences: [encodeRow(text, { text: messages.at(-2)?.content ?? "" }, commonSpec)] }));
    const heldOut = microBatches(units.filter((_, i) => i % 10 === 0));
    const teacher: DistillObjective = {
      kind: "distill",
      divergence: "forward_kl",
      temperature: 1,
      crossEntropyWeight: 0.1,
      teacher: { kind: "gguf", path: files.model },
    };
    const student = {
      ...commonSpec,
      precision: "f32" as const,
      seed: 42,
      base: { kind: "hf" as const, dir: join(folder, "student") },
      method: { kind: "full" as const },
    };
    const learnt = async (objective: Objective, name: string) => {
      const session = await openSession({ ...student, objective });
      await train(
        session,
        units.filter((_, i) => i % 10 !== 0),
        { steps, unitsPerStep: 32, learningRate: 3e-4, seed: 42 },
      );
      await session.exportMerged(join(folder, name), { dtype: "f32" });
      await session.close();
      return measured(join(folder, name));
    };
    const measured = async (dir: string) => {
      const session = await openSession({ ...student, base: { kind: "hf", dir }, objective: teacher });
      const found = await distance(session, heldOut);
      await session.close();
      return found;
    };
    const untrained = await measured(join(folder, "student"));
    const alone = await learnt({ kind: "sft", labelSmoothing: 0, zLoss: 0 }, "alone");
    const taught = await learnt(teacher, "taught");
    const words = ({ divergence, nll }: typeof alone) => `KL ${divergence.toFixed(4)}, cross-entropy ${nll.toFixed(4)}`;
    return [
      { label: "student as cut, against the teacher on held-out rows", value: words(untrained) },
      { label: `after ${steps} steps of cross-entropy alone`, value: words(alone) },
      {
        label: `after ${steps} steps with the teacher`,
        value: words(taught),
        passed: taught.divergence < alone.divergence,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
