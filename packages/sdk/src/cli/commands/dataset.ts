import { basename, extname } from "node:path";
import {
  type ColumnMapping,
  type DatasetCheck,
  DatasetFormat,
  objectiveKinds,
  ServiceError,
  type UploadInspection,
} from "@anneal/contracts";
import { SingleBar } from "cli-progress";
import { type Command, Option } from "commander";
import { uploadDataset } from "../../files.ts";
import { baseRef, datasetOf, datasetVersionId } from "../names.ts";
import { openSession } from "../session.ts";
import { rowText } from "../spec.ts";
import { bytes, day, oneLine, safe, table } from "../terminal.ts";

interface UploadFlags {
  name?: string;
  format?: DatasetFormat;
  map?: string;
  systemText?: string;
  leaveOut?: string;
  skipBadLines?: boolean;
  inspect?: boolean;
}

interface CheckFlags {
  base: string;
  maxSequenceTokens: string;
  objective?: (typeof objectiveKinds)[number];
  troubled?: boolean;
}

const mapFields = ["user", "assistant", "system", "context", "input", "thoughts", "mark", "rejected"] as const;

/** user=FIELD,assistant=FIELD[,system=FIELD][,context=FIELD ...]; context may stand several times. */
function mappingOf(flags: UploadFlags): ColumnMapping | undefined {
  if (!flags.map) return undefined;
  const pairs = flags.map.split(",").map((pair): [string, string] => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
  const { user, assistant, ...named } = Object.fromEntries(pairs);
  const context = pairs.filter(([key]) => key === "context").map(([, field]) => field);
  const unknown = pairs.filter(([key]) => !mapFields.some((field) => field === key));
  if (!user || !assistant || unknown.length > 0)
    throw new ServiceError("INVALID_INPUT", `--map "${flags.map}" does not name the fields`, {
      field: "--map",
      remedy: `write user=FIELD,assistant=FIELD, and where there are such ${mapFields.slice(2).join("=, ")}=`,
    });
  return {
    ...named,
    user,
    assistant,
    context: context.length > 0 ? context : undefined,
    systemText: flags.systemText,
  };
}

/** Fields as a comma-separated list. */
const leftOutOf = (flags: UploadFlags): string[] | undefined =>
  flags.leaveOut
    ?.split(",")
    .map((path) => path.trim())
    .filter((path) => path !== "");

function unusedWords({ unusedFields, leaveOut }: UploadInspection): string[] {
  const word = ({ path, content }: UploadInspection["unusedFields"][number]) =>
    leaveOut.includes(path) ? "left out" : content ? "not read: map it or leave it out" : "no content, left out";
  return unusedFields.map(
    (field) => `  field ${safe(field.path)} in ${field.rows} rows (${word(field)}): ${oneLine(field.example, 120)}`,
  );
}

function inspectionWords(found: UploadInspection): string {
  const lines = [
    `${safe(found.fileName)}: ${found.format} (${Math.round(found.guess.confidence * 100)}% sure: ${oneLine(found.guess.reason, 200)})`,
    `${found.goodRows} good rows, ${found.badLineCount} bad lines, ${found.duplicateRows} duplicates, ${bytes(found.bytes)}`,
  ];
  for (const { line, cause, remedy } of found.badLines.slice(0, 10))
    lines.push(`  line ${line}: ${oneLine(cause, 200)}; ${oneLine(remedy, 200)}`);
  if (found.badLineCount > 10) lines.push(`  ... and ${found.badLineCount - Math.min(10, found.badLines.length)} more`);
  for (const { text } of found.notes) lines.push(`  ${oneLine(text, 200)}`);
  lines.push(...unusedWords(found));
  const [first] = found.preview;
  if (first) lines.push(`  first row: ${oneLine(rowText(first), 200)}`);
  return lines.join("\n");
}

/** The server refuses as well; here the remedy names the flags. */
function refuseUndecided(file: string, { unusedFields, leaveOut }: UploadInspection): void {
  const open = unusedFields.filter(({ path, content }) => content && !leaveOut.includes(path)).map(({ path }) => path);
  if (open.length === 0) return;
  throw new ServiceError("PRECONDITION_FAILED", `${file} has fields that are not read: ${open.map(safe).join(", ")}`, {
    field: "--leave-out",
    remedy: `say what they are with --map, or leave them out: --leave-out ${open.map(safe).join(",")}`,
  });
}

function checkWords(check: DatasetCheck): string {
  const lines = [
    `${check.rows} rows, ${check.tokens} tokens, ${check.supervisedTokens} of which trained; longest row ${check.longestTokens} tokens`,
    `${check.truncatedRows} rows truncated, ${check.zeroTargetRows} rows without a trained token`,
  ];
  if (check.unfollowedRows > 0)
    lines.push(
      `${check.unfollowedRows} rows have an answer that does not follow the prompt that serving sends, or whose thought the chat template drops: rows ${check.firstUnfollowed.map((row) => row + 1).join(", ")}${check.unfollowedRows > check.firstUnfollowed.length ? " ..." : ""}`,
    );
  // Trained text stands in brackets, so that it is told without colours too.
  for (const { row, side, spans } of check.examples.slice(0, 3))
    lines.push(
      `\nrow ${row + 1}${side ? `, ${side}` : ""} ([trained] text in brackets):`,
      spans.map(({ text, trained }) => (trained ? `[${safe(text)}]` : safe(text))).join(""),
    );
  return lines.join("\n");
}

export function datasetCommands(program: Command): void {
  const dataset = program.command("dataset").description("upload and check datasets");
  dataset
    .command("upload")
    .description("upload a file as a new version of a dataset")
    .argument("<file>")
    .option("--name <name>", "the dataset's name; an existing dataset gets a new version (default: the file's name)")
    .addOption(new Option("--format <format>", "instead of the detected one").choices(DatasetFormat.options))
    .option(
      "--map <columns>",
      "fields: user=FIELD,assistant=FIELD[,system=, context=, input=, thoughts=, mark=, rejected=]",
    )
    .option("--leave-out <fields>", "fields to leave out of the version, comma-separated")
    .option("--system-text <text>", "with --map: the same system prompt for every row")
    .option("--skip-bad-lines", "skip lines that cannot be read")
    .option("--inspect", "only inspect the file; creates no version")
    .action(async (file: string, flags: UploadFlags, command: Command) => {
      const session = openSession(command);
      const bar = process.stderr.isTTY
        ? new SingleBar({ format: "uploading |{bar}| {percentage}%  {eta_formatted} left", stream: process.stderr })
        : null;
      bar?.start(1, 0);
      const upload = await uploadDataset(session.connection, file, {
        onProgress: (done, total) => {
          bar?.setTotal(total);
          bar?.update(done);
        },
      }).finally(() => bar?.stop());
      const leaveOut = leftOutOf(flags);
      const choice = { uploadId: upload.uploadId, format: flags.format, mapping: mappingOf(flags), leaveOut };
      const found =
        choice.format || choice.mapping || leaveOut ? await session.client.datasets.inspect.mutate(choice) : upload;
      if (flags.inspect) return session.print(found, () => inspectionWords(found));
      if (found.badLineCount > 0 && !flags.skipBadLines) {
        const first = found.badLines[0];
        throw new ServiceError(
          "INVALID_INPUT",
          `${basename(file)} has ${found.badLineCount} bad lines; line ${first?.line}: ${first?.cause}`,
          {
            field: `line ${first?.line}`,
            remedy: `${first?.remedy ?? "correct it"}, or continue without them: --skip-bad-lines`,
          },
        );
      }
      if (!session.json) console.error(inspectionWords(found));
      refuseUndecided(basename(file), found);
      const made = await session.client.datasets.commit.mutate({
        ...choice,
        name: flags.name ?? basename(file, extname(file)),
        skipBadLines: flags.skipBadLines ?? false,
      });
      session.print(made, () => {
        const version = made.versions.find(({ id }) => id === made.versionId);
        const known = made.created ? "" : ", which has these rows already";
        return `${made.name}, version ${version?.number}${known}: ${version?.rows} rows (${version?.id})`;
      });
    });
  dataset
    .command("list")
    .description("all datasets with their newest version")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.datasets.list.query();
      session.print(found, () =>
        found.length === 0
          ? "no datasets yet; upload one: anneal dataset upload FILE --name NAME"
          : table(
              ["NAME", "VERSION", "ROWS", "SIZE", "FORMAT", "CREATED"],
              found.map(({ name, versions }) => {
                const newest = [...versions].sort((a, b) => b.number - a.number)[0];
                return newest
                  ? [
                      name,
                      String(newest.number),
                      String(newest.rows),
                      bytes(newest.bytes),
                      newest.format,
                      day(newest.createdAt),
                    ]
                  : [name, "-", "-", "-", "-", "-"];
              }),
            ),
      );
    });
  dataset
    .command("check")
    .description("what a model would train on: tokens, truncated rows, the loss mask of sample rows")
    .argument("<dataset>", "NAME, NAME@NUMBER or a version's id")
    .requiredOption("--base <model>", "whose tokens and chat template are used")
    .option("--max-sequence-tokens <n>", "longer rows are truncated", "1024")
    .addOption(
      new Option("--objective <kind>", "what the run trains of the rows: that is shown and counted").choices(
        objectiveKinds,
      ),
    )
    .option("--troubled", "show only rows that are truncated, without loss, or not matching the served prompt")
    .action(async (named: string, flags: CheckFlags, command: Command) => {
      const session = openSession(command);
      const versionId = await datasetVersionId(session.client, named, "dataset");
      const check = await session.client.datasets.check.query({
        versionId,
        base: await baseRef(session.client, flags.base),
        maxSequenceTokens: Number(flags.maxSequenceTokens),
        objective: flags.objective,
        show: flags.troubled ? "troubled" : "any",
      });
      session.print(check, () => checkWords(check));
    });
  dataset
    .command("remove")
    .description("delete a dataset that no run uses")
    .argument("<dataset>", "its name or id")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const known = await datasetOf(session.client, named);
      session.print(
        await session.client.datasets.remove.mutate({ datasetId: known.id }),
        () => `removed ${known.name}`,
      );
    });
}
