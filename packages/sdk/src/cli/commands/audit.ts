import { readFileSync } from "node:fs";
import { AuditHead, ServiceError } from "@anneal/contracts";
import type { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { openSession } from "../session.ts";

function readHead(path: string): AuditHead {
  try {
    return AuditHead.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new ServiceError("INVALID_INPUT", `${path} holds no head of an audit trail`, {
      field: "--head",
      remedy: "name a file written by: anneal audit head > FILE",
      cause: error,
    });
  }
}

export function auditCommands(program: Command): void {
  const audit = program.command("audit").description("the audit trail and its chain");
  audit
    .command("head")
    .description("print the newest link of the chain, to be kept on another machine")
    .action(async (_flags: unknown, command: Command) => {
      console.log(JSON.stringify(await openSession(command).client.system.auditHead.query()));
    });
  audit
    .command("verify")
    .description("check the whole trail; with --head also that nothing was cut off since that head")
    .option("--head <file>", "a head that was printed before")
    .action(async (flags: { head?: string }, command: Command) => {
      const session = openSession(command);
      const head = flags.head === undefined ? undefined : readHead(flags.head);
      const found = await session.client.system.verifyAudit.query({ head });
      session.print(found, () =>
        [
          found.ok ? `the trail is whole: ${found.rows} rows` : "the trail was tampered with:",
          ...found.findings.map(({ kind, at }) => `  ${kind} ${at}`),
          ...(found.adopted > 0 ? [`${found.adopted} rows are older than the chain`] : []),
          ...(found.head ? [`head: number ${found.head.number}, ${found.head.mac}`] : []),
        ].join("\n"),
      );
      if (!found.ok) process.exitCode = exitCodes.checkFailed;
    });
}
