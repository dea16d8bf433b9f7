import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { FromTrainer, TrainerStart, TrainerTask } from "@anneal/contracts";
import { openSession } from "@anneal/engine";
import { statePath, verifyCheckpoint } from "../../run-directory/checkpoints.ts";
import type { Control } from "../context/control.ts";
import { engineCall } from "../context/engine-call.ts";
import { adapterOfCheckpoint } from "../evaluate/side-by-side.ts";
import { verifyBase } from "../prepare/base-check.ts";
import { ggufMetadata, textModelOf } from "../prepare/text-model.ts";
import { trainingSpec } from "../prepare/training-spec.ts";
import { exportFolder, fileSlug } from "./artifacts.ts";

type Exported = Extract<FromTrainer, { type: "exported" }>["files"];

/** One checkpoint as GGUF files ("publish this one"). Writes no journal: the run itself goes on or is over. */
export async function exportCheckpoint(
  start: TrainerStart,
  task: Extract<TrainerTask, { kind: "export" }>,
  control: Control,
  send: (message: FromTrainer) => void,
): Promise<Exported> {
  const beat = () => send({ type: "heartbeat", stage: "export", step: 0, expectedSeconds: 600 });
  beat();
  await verifyBase(start, beat);
  const checkpoint = await verifyCheckpoint(task.checkpointPath);
  const text = textModelOf(start);
  const session = await openSession(trainingSpec(start));
  control.attach(session);
  try {
    await session.loadState(statePath(checkpoint));
    const adapter = adapterOfCheckpoint(start.spec, checkpoint.cursor.lastEvaluation?.adapter ?? null);
    const folder = exportFolder(start.runDirectory);
    mkdirSync(folder, { recursive: true });
    const files: Exported = [];
    for (const gguf of task.gguf) {
      beat();
      const path = join(folder, `${fileSlug(start.modelName)}-step-${checkpoint.step}-${gguf}.gguf`);
      const metadata = ggufMetadata(start.base, text, start.modelName, session.info.vocabSize);
      const { sha256, bytes } = await engineCall(control, () =>
        session.exportGguf(path, { type: gguf, metadata, ...(adapter ? { adapter } : {}) }),
      );
      files.push({ gguf, path, digest: `sha256:${sha256}`, bytes });
    }
    return files;
  } finally {
    control.detach();
    await session.close();
  }
}
