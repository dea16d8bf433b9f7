import { ProjectRole } from "@anneal/contracts";
import { type Command, Option } from "commander";
import { baseUrl } from "../../client.ts";
import { named } from "../choose-account.ts";
import { openSession } from "../session.ts";
import { day, oneLine, table } from "../terminal.ts";

const role = () => new Option("--role <role>", "what the member may do").choices(ProjectRole.options).default("viewer");

export function projectCommands(program: Command): void {
  const project = program.command("project").description("projects and their members; --project chooses one");
  project
    .command("list")
    .description("list the projects that you may work in")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.projects.list.query();
      session.print(found, () =>
        table(
          ["ID", "NAME", "ROLE", "OWNER", "MEMBERS", ""],
          found.map((one) => [
            one.id,
            one.name,
            one.role ?? "-",
            one.ownerName ?? "-",
            String(one.members),
            one.current ? "current" : "",
          ]),
        ),
      );
    });
  project
    .command("create")
    .description("create a project; its owner is who creates it")
    .argument("<name>")
    .action(async (name: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const made = await session.client.projects.create.mutate({ name });
      session.print(made, () => `${made.id}  ${oneLine(made.name)}`);
    });
  project
    .command("rename")
    .description("give the project another name")
    .argument("<name>")
    .action(async (name: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const changed = await session.client.projects.rename.mutate({ name });
      session.print(changed, () => oneLine(changed.name));
    });
  project
    .command("members")
    .description("list the members of the project")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.projects.members.query();
      session.print(found, () =>
        table(
          ["EMAIL", "NAME", "ROLE", ""],
          found.map((one) => [one.email, one.name, one.owner ? "owner" : one.role, one.disabled ? "disabled" : ""]),
        ),
      );
    });
  project
    .command("invite")
    .description("make a link that lets one person join; it is shown only once")
    .addOption(role())
    .option("--email <email>", "let only this person use it")
    .action(async (flags: { role: ProjectRole; email?: string }, command: Command) => {
      const session = openSession(command);
      const link = await session.client.projects.invite.mutate(flags);
      const url = baseUrl(session.connection.url) + link.path;
      session.print({ ...link, url }, () => `${url}\nvalid until ${day(link.expiresAt)}`);
    });
  project
    .command("invitations")
    .description("list the invitations that are open")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command);
      const found = await session.client.projects.invitations.query();
      session.print(found, () =>
        table(
          ["ID", "ROLE", "EMAIL", "VALID UNTIL"],
          found.map((one) => [one.id, one.role, one.email ?? "-", day(one.expiresAt)]),
        ),
      );
    });
  project
    .command("withdraw")
    .description("withdraw an invitation")
    .argument("<invitation>", "its id")
    .action(async (invitationId: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const done = await session.client.projects.withdrawInvitation.mutate({ invitationId });
      session.print(done, () => "the link no longer works");
    });
  project
    .command("set-role")
    .description("change what a member may do")
    .argument("<email>")
    .addOption(role().makeOptionMandatory())
    .action(async (email: string, flags: { role: ProjectRole }, command: Command) => {
      const session = openSession(command);
      const { userId } = named(await session.client.projects.members.query(), email);
      const member = await session.client.projects.setMember.mutate({ userId, role: flags.role });
      session.print(member, () => `${member.email} is ${member.role}`);
    });
  project
    .command("set-owner")
    .description("hand the project over to a member")
    .argument("<email>")
    .action(async (email: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const { userId } = named(await session.client.projects.members.query(), email);
      const changed = await session.client.projects.setOwner.mutate({ userId });
      session.print(changed, () => `${oneLine(changed.name)} belongs to ${oneLine(changed.ownerName ?? "-")}`);
    });
  project
    .command("remove-member")
    .description("take a member out of the project")
    .argument("<email>")
    .action(async (email: string, _flags: unknown, command: Command) => {
      const session = openSession(command);
      const { userId } = named(await session.client.projects.members.query(), email);
      const done = await session.client.projects.removeMember.mutate({ userId });
      session.print(done, () => `${email} is no member any more`);
    });
}
