import { Command, CommanderError } from "commander";
import { problemOf } from "../problem.ts";
import { auditCommands } from "./commands/audit.ts";
import { datasetCommands } from "./commands/dataset.ts";
import { jobCommands, workerCommands } from "./commands/fleet.ts";
import { deployCommands, modelCommands, systemCommands, tokenCommands } from "./commands/other.ts";
import { projectCommands } from "./commands/project.ts";
import { runCommands } from "./commands/run.ts";
import { teacherCommands } from "./commands/teacher.ts";
import { userCommands } from "./commands/user.ts";
import { exitCodeHelp, exitCodeOf, exitCodes } from "./exit-codes.ts";
import { safe } from "./terminal.ts";

const program = new Command("anneal")
  .description("Talks to a running Anneal: the one on this machine, or the one at ANNEAL_URL with ANNEAL_TOKEN.")
  .option("--json", "machine-readable output")
  .option("--url <url>", "the server (ANNEAL_URL)")
  .option("--token <token>", "an API token (prefer ANNEAL_TOKEN, which other users cannot see)")
  .option("--project <project>", "name or id of the project to work in (ANNEAL_PROJECT)")
  .addHelpText("after", exitCodeHelp)
  .showSuggestionAfterError()
  .exitOverride();

runCommands(program);
datasetCommands(program);
modelCommands(program);
teacherCommands(program);
deployCommands(program);
tokenCommands(program);
userCommands(program);
projectCommands(program);
auditCommands(program);
jobCommands(program);
workerCommands(program);
systemCommands(program);

function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.invalidInput;
  const problem = problemOf(error);
  if (program.opts().json || process.argv.includes("--json")) console.error(JSON.stringify({ problem }));
  else {
    console.error(`anneal: ${safe(problem.message)}`);
    if (problem.field) console.error(`  field:  ${safe(problem.field)}`);
    if (problem.remedy) console.error(`  remedy: ${safe(problem.remedy)}`);
  }
  return exitCodeOf(problem.code);
}

// A reader that has seen enough (head) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}
