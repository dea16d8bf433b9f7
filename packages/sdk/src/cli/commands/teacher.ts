import { ServiceError, type TeacherFileSummary } from "@anneal/contracts";
import { type Command, Option } from "commander";
import { baseRef, datasetVersionId, modelNames, teacherFileId } from "../names.ts";
import { openSession, type Session } from "../session.ts";
import { bytes, day, oneLine, percent, table } from "../terminal.ts";

interface MakeFlags {
  model: string;
  dataset: string;
  base?: string;
  name?: string;
  topK: string;
  maxSequenceTokens: string;
  microBatchTokens: string;
  precision: "f32" | "bf16";
  wait: boolean;
}

const pollMilliseconds = 1000;

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value)) return value;
  throw new ServiceError("INVALID_INPUT", `${flag}: "${text}" is not a whole number`, {
    field: flag,
    remedy: `give a whole number after ${flag}`,
  });
}

/** Polls until the file is made; its failure is the command's. */
async function waitFor(session: Session, id: string): Promise<TeacherFileSummary> {
  for (let told = ""; ; ) {
    const found = await session.client.teacherFiles.get.query({ teacherFileId: id });
    if (found.status === "ready") return found;
    if (found.status === "failed") {
      const { code, message, field, remedy } = found.problem ?? {
        code: "INTERNAL" as const,
        message: "it could not be made",
        field: null,
        remedy: null,
      };
      throw new ServiceError(code, message, { field: field ?? undefined, remedy: remedy ?? undefined });
    }
    const words = `${found.status} ${percent(found.fraction)}`;
    if (!session.json && words !== told) console.error(words);
    told = words;
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}

const line = (file: TeacherFileSummary): string =>
  `${file.id}  ${oneLine(file.name)} is ${file.status}${file.digest ? `: best ${file.topK} of ${file.supervisedTokens} tokens in ${file.rows} rows, ${bytes(file.bytes ?? 0)}, ${file.digest}` : ""}`;

export function teacherCommands(program: Command): void {
  const teacher = program
    .command("teacher")
    .description("recorded teacher outputs (top-k log-probabilities) for distillation");
  teacher
    .command("make")
    .description("record a model's top-k next tokens at every trained token of a dataset")
    .requiredOption("--model <model>", "the teacher: ollama:NAME, model:ID, a .gguf file or a Hugging Face folder")
    .requiredOption("--dataset <name>", "NAME (its newest version), NAME@NUMBER or a version's id")
    .option("--base <model>", "the student, whose chat template renders the rows (default: the teacher's own template)")
    .option("--name <name>", "name of the file")
    .option("--top-k <n>", "number of top tokens recorded at each position", "64")
    .option("--max-sequence-tokens <n>", "rows are truncated to this length; use the run's value", "1024")
    .option("--micro-batch-tokens <n>", "tokens per micro-batch", "2048")
    .addOption(new Option("--precision <kind>", "what it computes in").choices(["f32", "bf16"]).default("bf16"))
    .option("--no-wait", "return immediately")
    .action(async (flags: MakeFlags, command: Command) => {
      const session = openSession(command);
      const asked = await session.client.teacherFiles.make.mutate({
        name: flags.name,
        model: await baseRef(session.client, flags.model, "--model"),
        base: flags.base ? await baseRef(session.client, flags.base) : null,
        dataset: await datasetVersionId(session.client, flags.dataset, "dataset"),
        topK: whole("--top-k", flags.topK),
        maxSequenceTokens: whole("--max-sequence-tokens", flags.maxSequenceTokens),
        microBatchTokens: whole("--micro-batch-tokens", flags.microBatchTokens),
        precision: flags.precision,
      });
      const found = flags.wait ? await waitFor(session, asked.id) : asked;
      session.print(found, () => line(found));
    });
  teacher
    .command("list")
    .description("teacher files, newest first")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.teacherFiles.list.query();
      const nameOf = session.json
        ? String
        : await modelNames(
            session.client,
            found.map(({ model }) => model),
          );
      session.print(found, () =>
        found.length === 0
          ? "no teacher files yet; make one: anneal teacher make --model MODEL --dataset NAME"
          : table(
              ["ID", "NAME", "MODEL", "BEST", "STATUS", "SIZE", "CREATED", "PROBLEM"],
              found.map((one) => [
                one.id,
                one.name,
                nameOf(one.model),
                String(one.topK),
                one.status === "making" ? `making ${percent(one.fraction)}` : one.status,
                one.bytes === null ? "-" : bytes(one.bytes),
                day(one.createdAt),
                one.problem?.message ?? "",
              ]),
            ),
      );
    });
  teacher
    .command("retry")
    .description("retry a file that failed")
    .argument("<file>", "name or id")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const id = await teacherFileId(session.client, named);
      const changed = await session.client.teacherFiles.retry.mutate({ teacherFileId: id });
      session.print(changed, () => line(changed));
    });
  teacher
    .command("remove")
    .description("delete a file that no unfinished run uses")
    .argument("<file>", "name or id")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const id = await teacherFileId(session.client, named);
      session.print(await session.client.teacherFiles.remove.mutate({ teacherFileId: id }), () => "removed");
    });
}
