import { GgufType, Permission, ServiceError } from "@anneal/contracts";
import { type Command, Option } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { baseRef, checkpointId, deploymentId, runId, tokenId } from "../names.ts";
import { openSession } from "../session.ts";
import { bytes, day, oneLine, percent, table } from "../terminal.ts";

export function modelCommands(program: Command): void {
  const model = program.command("model").description("base models: in Ollama, in folders, in the registry");
  model
    .command("list")
    .description("list every model that training can start from")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.models.list.query();
      session.print(found, () =>
        found.length === 0
          ? "no models found; set ANNEAL_MODEL_DIRS or OLLAMA_MODELS"
          : table(
              ["MODEL", "NAME", "FAMILY", "PARAMETERS", "TYPE", "USABLE"],
              found.map((one) => [
                one.ref,
                one.name,
                one.facts?.family ?? "-",
                one.facts ? `${(one.facts.parameters / 1e6).toFixed(1)} M` : "-",
                one.facts?.quantisation ?? "-",
                one.supported ? "yes" : `no: ${one.unsupportedReason ?? ""}`,
              ]),
            ),
      );
    });
  model
    .command("inspect")
    .description("show the metadata of a model file")
    .argument("<model>", "ollama:NAME, a registered name, a .gguf file or a Hugging Face folder")
    .action(async (ref: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.models.inspect.query({ ref: await baseRef(session.client, ref) });
      session.print(found, () => {
        const lines = [
          `${oneLine(found.name)}  ${found.supported ? "usable" : `not usable: ${oneLine(found.unsupportedReason ?? "", 300)}`}`,
        ];
        for (const [name, value] of Object.entries(found.facts ?? {}))
          lines.push(
            `  ${name.padEnd(18)} ${oneLine(Array.isArray(value) ? value.join(", ") : name === "fileBytes" ? bytes(Number(value)) : String(value))}`,
          );
        return lines.join("\n");
      });
    });
  model
    .command("register")
    .description("register a model under a name")
    .argument("<model>")
    .requiredOption("--name <name>")
    .action(async (ref: string, flags: { name: string }, command: Command) => {
      const session = openSession(command);
      const made = await session.client.models.register.mutate({
        ref: await baseRef(session.client, ref),
        name: flags.name,
      });
      session.print(made, () => `model:${made.id}  ${oneLine(made.name)}`);
    });
}

export function deployCommands(program: Command): void {
  const deploy = program.command("deploy").description("models served by Ollama");
  deploy
    .command("publish")
    .description("publish a run's final model or one of its checkpoints")
    .argument("<run>")
    .requiredOption("--name <name>", "its name in Ollama")
    .option("--checkpoint <step>", "step or id of a checkpoint, instead of the final model")
    .addOption(new Option("--gguf <type>").choices(GgufType.options).default("Q8_0"))
    .option("--system <text>", "system prompt of the served model")
    .action(
      async (
        named: string,
        flags: { name: string; checkpoint?: string; gguf: GgufType; system?: string },
        command: Command,
      ) => {
        const session = openSession(command);
        const { name, checkpoint, gguf, system } = flags;
        const id = await runId(session.client, named);
        const made = await session.client.deployments.publish.mutate({
          runId: id,
          checkpointId: checkpoint === undefined ? undefined : await checkpointId(session.client, id, checkpoint),
          name,
          gguf,
          system,
        });
        session.print(made, () => `${made.id}  ${oneLine(made.name)} is ${made.status}`);
      },
    );
  deploy
    .command("list")
    .description("publications, newest first")
    .option("--run <run>", "only those of one run")
    .action(async (flags: { run?: string }, command: Command) => {
      const session = openSession(command);
      const found = await session.client.deployments.list.query(
        flags.run === undefined ? {} : { runId: await runId(session.client, flags.run) },
      );
      session.print(found, () =>
        found.length === 0
          ? "nothing published yet"
          : table(
              ["ID", "NAME", "STATUS", "PHASE", "CREATED", "PROBLEM"],
              found.map((one) => [
                one.id,
                one.name,
                one.status,
                one.status === "publishing" ? `${one.phase ?? ""} ${percent(one.fraction)}` : "",
                day(one.createdAt),
                one.problem?.message ?? "",
              ]),
            ),
      );
    });
  for (const [verb, about] of [
    ["retry", "publish again what failed or could not reach Ollama"],
    ["rollback", "put back what was served under the name before"],
  ] as const)
    deploy
      .command(verb)
      .description(about)
      .argument("<deployment>", "its name in Ollama, or its id")
      .action(async (named: string, _flags: unknown, command: Command) => {
        const session = openSession(command);
        const changed = await session.client.deployments[verb].mutate({
          deploymentId: await deploymentId(session.client, named),
        });
        session.print(changed, () => `${oneLine(changed.name)} is ${changed.status}`);
      });
}

function permissionsOf(text: string): Permission[] {
  if (text === "all") return Permission.options.filter((one) => one !== "public");
  return text.split(",").map((one) => {
    const parsed = Permission.safeParse(one.trim());
    if (parsed.success) return parsed.data;
    throw new ServiceError("INVALID_INPUT", `there is no permission "${one}"`, {
      field: "--permissions",
      remedy: `choose from all, ${Permission.options.join(", ")}`,
    });
  });
}

export function tokenCommands(program: Command): void {
  const token = program.command("token").description("API tokens for programs and other machines");
  token
    .command("create")
    .description("create a token; it is shown only once")
    .requiredOption("--name <name>")
    .option(
      "--permissions <list>",
      "comma-separated, or all",
      "runs:read,runs:write,datasets:read,models:read,artifacts:read,system:read",
    )
    .option("--days <n>", "days until it expires; 0: never", "365")
    .action(async (flags: { name: string; permissions: string; days: string }, command: Command) => {
      const session = openSession(command);
      const days = Number(flags.days);
      const made = await session.client.system.createToken.mutate({
        name: flags.name,
        permissions: permissionsOf(flags.permissions),
        expiresInDays: days === 0 ? null : days,
      });
      session.print(made, () => made.token);
      if (!session.json) console.error("keep it safe: it is not shown again");
    });
  token
    .command("list")
    .description("list tokens, valid and expired, without their secrets")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.system.tokens.query();
      session.print(found, () =>
        table(
          ["ID", "NAME", "STARTS WITH", "PERMISSIONS", "LAST USED", "EXPIRES"],
          found.map((one) => [
            one.id,
            one.name,
            one.prefix,
            one.permissions.join(","),
            day(one.lastUsedAt),
            day(one.expiresAt),
          ]),
        ),
      );
    });
  token
    .command("revoke")
    .description("revoke a token immediately")
    .argument("<token>", "its name or id")
    .action(async (named: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      session.print(
        await session.client.system.revokeToken.mutate({ tokenId: await tokenId(session.client, named) }),
        () => "revoked",
      );
    });
}

export function systemCommands(program: Command): void {
  program
    .command("doctor")
    .description("check the machine that Anneal runs on, with remedies")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const checks = await session.client.system.doctor.query();
      session.print(checks, () =>
        checks
          .map(
            ({ name, status, found, remedy }) =>
              `  ${status.padEnd(8)} ${name.padEnd(14)} ${oneLine(found, 200)}${remedy ? `\n${" ".repeat(26)}remedy: ${oneLine(remedy, 300)}` : ""}`,
          )
          .join("\n"),
      );
      if (checks.some(({ status }) => status === "missing")) process.exitCode = exitCodes.checkFailed;
    });
  program
    .command("status")
    .description("show workers, queue and Ollama")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.system.status.query();
      session.print(found, () =>
        [
          `Anneal ${found.version} at ${session.connection.url}: ${found.runningRuns} running, ${found.queuedRuns} queued`,
          `Ollama at ${found.ollama.host}: ${found.ollama.reachable ? `version ${found.ollama.version}` : "does not answer"}`,
          ...found.workers.map(
            (one) =>
              `worker ${oneLine(one.name)}: ${one.alive ? "alive" : "silent"}, ${one.isa}, ${one.threads} threads, ${bytes(one.freeMemoryBytes)} memory free`,
          ),
        ].join("\n"),
      );
    });
}
