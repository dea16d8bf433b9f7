import type { WorkerSummary } from "@anneal/contracts";
import type { Command } from "commander";
import { openSession } from "../session.ts";
import { bytes, oneLine, percent, table } from "../terminal.ts";

/** Long data work: what is under way, and how to end it. */
export function jobCommands(program: Command): void {
  const jobs = program.command("jobs").description("long work on data: imports, with their progress");
  jobs
    .command("list", { isDefault: true })
    .description("list jobs under way and of the last hour")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.jobs.list.query();
      session.print(found, () =>
        found.length === 0
          ? "no jobs"
          : table(
              ["ID", "KIND", "TITLE", "STATUS", "PROGRESS", "ROWS", "WORKER"],
              found.map((one) => [
                one.id,
                one.kind,
                oneLine(one.title, 40),
                one.status,
                one.progress ? percent(one.progress.fraction) : "-",
                one.progress ? String(one.progress.rows) : "-",
                oneLine(one.workerName ?? "-"),
              ]),
            ),
      );
    });
  jobs
    .command("cancel")
    .description("cancel a job")
    .argument("<job>", "its ID")
    .action(async (jobId: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const answer = await session.client.jobs.cancel.mutate({ jobId });
      session.print(answer, () => (answer.cancelled ? "cancelled" : "it had ended already"));
    });
}

const line = (one: WorkerSummary): string[] => [
  one.id,
  oneLine(one.name),
  oneLine(one.host),
  one.alive ? one.state : "silent",
  one.roles.join(","),
  Object.entries(one.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",") || "-",
  `${one.threads} x ${one.isa}`,
  bytes(one.freeMemoryBytes),
  one.version ?? "?",
];

/** The machines that work for this console. */
export function workerCommands(program: Command): void {
  const workers = program.command("workers").description("machines that do the work: invite, cordon, drain, remove");
  workers
    .command("list", { isDefault: true })
    .description("list workers heard of within the hour")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.workers.list.query();
      session.print(found, () =>
        found.length === 0
          ? "no workers"
          : table(["ID", "NAME", "HOST", "STATE", "ROLES", "LABELS", "CORES", "FREE", "VERSION"], found.map(line)),
      );
    });
  workers
    .command("invite")
    .description("make a token that lets one machine join, once, within an hour")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const made = await session.client.workers.invite.mutate();
      session.print(made, () =>
        [`${made.token}`, `on the other machine: ./anneal worker --join URL --token ${made.token}`].join("\n"),
      );
    });
  const verbs = {
    cordon: "take nothing new, finish what it has",
    drain: "take nothing new, and hand back what it has",
    uncordon: "take jobs again",
  } as const;
  for (const verb of ["cordon", "drain", "uncordon"] as const)
    workers
      .command(verb)
      .description(`let a worker ${verbs[verb]}`)
      .argument("<worker>", "its ID")
      .action(async (workerId: string, _flags: unknown, command: Command) => {
        const session = openSession(command);
        const changed = await session.client.workers[verb].mutate({ workerId });
        session.print(changed, () => `${oneLine(changed.name)}: ${changed.state}`);
      });
  workers
    .command("remove")
    .description("forget a worker that is gone")
    .argument("<worker>", "its ID")
    .action(async (workerId: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const answer = await session.client.workers.remove.mutate({ workerId });
      session.print(answer, () => "removed");
    });
}
