import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { ServiceError } from "@anneal/contracts";
import type { Command } from "commander";
import { baseUrl } from "../../client.ts";
import { setLocalPassword } from "../../local.ts";
import { named } from "../choose-account.ts";
import { openSession } from "../session.ts";
import { table } from "../terminal.ts";

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
  user
    .command("list")
    .description("list the accounts; for administrators of the installation")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.users.list.query();
      session.print(found, () =>
        table(
          ["EMAIL", "NAME", "PROJECTS", ""],
          found.map((one) => [
            one.email,
            one.name,
            one.projects.map(({ name, role }) => `${name} (${role})`).join(", "),
            [one.administrator ? "administrator" : "", one.disabledAt ? "disabled" : ""].filter(Boolean).join(", "),
          ]),
        ),
      );
    });
  for (const [verb, disabled, about] of [
    ["disable", true, "end an account's sessions, tokens and streams at once, and let it in no more"],
    ["enable", false, "let a disabled account in again"],
  ] as const)
    user
      .command(verb)
      .description(about)
      .argument("<email>")
      .action(async (email: string, _flags: unknown, command: Command) => {
        const session = openSession(command);
        const { id } = named(await session.client.users.list.query(), email);
        const done = await session.client.users.setDisabled.mutate({ userId: id, disabled });
        session.print(done, () => `${email} is ${disabled ? "disabled" : "enabled"}`);
      });
  user
    .command("reset")
    .description("make a link by which the person sets a new password; it is shown only once")
    .argument("<email>")
    .action(async (email: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const { id } = named(await session.client.users.list.query(), email);
      const link = await session.client.users.resetPassword.mutate({ userId: id });
      const url = baseUrl(session.connection.url) + link.path;
      session.print({ ...link, url }, () => url);
    });
}
