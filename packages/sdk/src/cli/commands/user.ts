import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { ServiceError } from "@anneal/contracts";
import type { Command } from "commander";
import { setLocalPassword } from "../../local.ts";
import { openSession } from "../session.ts";

// What is typed is not shown.
async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: mute, terminal: true });
  try {
    return await terminal.question("");
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}

async function readPassword(fromStdin: boolean): Promise<string> {
  if (fromStdin) return (await text(process.stdin)).replace(/\r?\n$/, "");
  if (!process.stdin.isTTY)
    throw new ServiceError("INVALID_INPUT", "there is no terminal to type the password in", {
      field: "--password-stdin",
      remedy: "send it to --password-stdin",
    });
  const password = await ask("New password (at least 10 characters): ");
  if (password !== (await ask("Once more: ")))
    throw new ServiceError("INVALID_INPUT", "the two passwords are not the same", { remedy: "try again" });
  return password;
}

export function userCommands(program: Command): void {
  const user = program.command("user").description("the accounts of this machine's Anneal");
  user
    .command("password")
    .description("give an account a new password; works on the machine itself, without the old one")
    .option("--email <email>", "whose; not needed where there is one account")
    .option("--password-stdin", "read it from the standard input")
    .action(async (flags: { email?: string; passwordStdin?: boolean }, command: Command) => {
      const session = openSession(command);
      const password = await readPassword(flags.passwordStdin ?? false);
      const { email } = await setLocalPassword({ ANNEAL_HOME: process.env.ANNEAL_HOME }, process.cwd(), {
        email: flags.email,
        password,
      });
      session.print({ email }, () => `${email} has the new password; every session of it has ended`);
    });
}
