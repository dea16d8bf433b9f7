import { isAbsolute, join, resolve } from "node:path";
import { reportIn, reportPath, ServiceError } from "@anneal/contracts";
import { type Command, Option } from "commander";
import { baseUrl } from "../../client.ts";
import { downloadArtifact } from "../../files.ts";
import { openSession } from "../session.ts";

/** `run report`: where a run's report is, or the file itself. */
export function addRunReport(run: Command): void {
  run
    .command("report")
    .description("the report of a finished run: its address, or with --out the file")
    .argument("<run>")
    .addOption(new Option("--language <language>", "language of the report").choices(["en", "zh-CN"]).default("en"))
    .option("--out <file>", "write the report there; a folder takes it under its own name")
    .action(async (runId: string, flags: { language: string; out?: string }, command: Command) => {
      const session = openSession(command);
      const { artifacts } = await session.client.runs.get.query({ runId });
      const report = reportIn(artifacts, flags.language);
      if (!report)
        throw new ServiceError("NOT_FOUND", `the run ${runId} has no report yet`, {
          remedy: "it is written at the end of a run",
        });
      const url = `${baseUrl(session.connection.url)}${reportPath(report.id)}`;
      if (flags.out === undefined) return session.print({ ...report, url }, () => url);
      const named = isAbsolute(flags.out) ? flags.out : resolve(flags.out);
      const path = /\.html?$/i.test(named) ? named : join(named, report.name);
      await downloadArtifact(session.connection, report, path);
      session.print({ ...report, path }, () => path);
    });
}
