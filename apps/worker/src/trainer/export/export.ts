import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { say, told, type Words } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import { engineCall } from "../context/engine-call.ts";
import { heartbeat, type Job, ProgressTeller } from "../context/job.ts";
import type { Evaluated } from "../evaluate/evaluate.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { ggufMetadata } from "../prepare/text-model.ts";
import { exportFolder, fileSlug, guard, isTold, tellFile } from "./artifacts.ts";
import { quantisationOf } from "./export-quality.ts";
import { writeEnds, writeText } from "./export-text.ts";

const generousSeconds = 600;
const reportSeconds = 5;

/**
 * Adapter, merged weights and GGUFs as the spec asks. Of adapters side by side each is written, the exported one first; merged weights
 * and GGUFs hold that one. What is told of already is not made again.
 */
export async function exportAll(
  job: Job,
  session: Session,
  prepared: Prepared,
  { measured: tuned, result: { adapter, adapters } }: Evaluated,
  step: number,
): Promise<void> {
  const { spec, runDirectory, base, modelName, baseName } = job.start;
  const folder = exportFolder(runDirectory);
  const slug = fileSlug(modelName);
  const progress = new ProgressTeller(job);
  const parts: { note: Words; work: () => Promise<void> }[] = [];

  const chosen = adapter ? { adapter } : {};
  const writeAdapter = async (dir: string, name?: string) => {
    await session.exportAdapter(dir, { baseModelName: baseName, ...(name === undefined ? {} : { adapter: name }) });
    writeText(dir, base, prepared.text);
  };
  if (spec.method.kind === "lora" && adapters.length === 0) {
    const dir = join(folder, "adapter");
    parts.push({
      note: say`adapter (PEFT)`,
      work: () => engineCall(job.control, () => exportDirectory(job, dir, "adapter", () => writeAdapter(dir))),
    });
  }
  for (const { name } of adapters.toSorted((a, b) => Number(b.name === adapter) - Number(a.name === adapter))) {
    const dir = join(folder, "adapters", name);
    const write = () => writeAdapter(dir, name);
    parts.push({
      note: say`adapter ${name} (PEFT)`,
      work: () => engineCall(job.control, () => exportDirectory(job, dir, "adapter", write, `${name}/`)),
    });
  }
  if (spec.export.merged) {
    const dir = join(folder, "merged");
    parts.push({
      note: say`merged weights`,
      work: () =>
        engineCall(job.control, () =>
          exportDirectory(job, dir, "merged", async () => {
            await session.exportMerged(dir, { dtype: spec.precision === "bf16" ? "bf16" : "f32", ...chosen });
            writeText(dir, base, prepared.text);
            writeEnds(dir, base, prepared.text);
          }),
        ),
    });
  }
  for (const type of spec.export.gguf) {
    const path = join(folder, `${slug}-${type}.gguf`);
    parts.push({
      note: `GGUF ${type}`,
      work: async () => {
        if (isTold(job, "gguf", path)) return;
        guard(job);
        const metadata = ggufMetadata(base, prepared.text, modelName, session.info.vocabSize);
        const { error } = await engineCall(job.control, () => session.exportGguf(path, { type, metadata, ...chosen }));
        await tellFile(
          job,
          path,
          "gguf",
          type,
          await quantisationOf(job, session, prepared, tuned, { path, error, step }),
        );
      },
    });
  }

  mkdirSync(folder, { recursive: true });
  const began = performance.now();
  for (const [i, { note, work }] of parts.entries()) {
    job.control.throwIfStopped();
    const seconds = (performance.now() - began) / 1000;
    const etaSeconds = i === 0 ? null : (seconds / i) * (parts.length - i) + reportSeconds;
    const at = { stage: "export" as const, step, totalSteps: step, etaSeconds };
    progress.tell({ ...at, fraction: i / parts.length, ...told({ note }) });
    heartbeat(job, "export", step, generousSeconds);
    await work();
  }
  progress.tell({ stage: "export", step, totalSteps: step, fraction: 1, etaSeconds: reportSeconds, note: null });
}

/** A folder's files are told one by one, under `prefix` and their names: each can be fetched and proven for itself. */
async function exportDirectory(
  job: Job,
  dir: string,
  kind: "adapter" | "merged",
  write: () => Promise<void>,
  prefix = "",
): Promise<void> {
  const files = () => (existsSync(dir) ? readdirSync(dir).sort() : []);
  const names = files();
  if (names.length > 0 && names.every((name) => isTold(job, kind, join(dir, name), prefix + name))) return;
  guard(job);
  // Files that an attempt before this one told of are linked to from the store: they are replaced, never written into.
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  await write();
  for (const file of files()) {
    const [path, name] = [join(dir, file), prefix + file];
    if (!isTold(job, kind, path, name)) await tellFile(job, path, kind, null, null, name);
  }
}
