import { z } from "zod";
import { DisplayName, Id } from "./ids.ts";
import { none, procedure } from "./procedure.ts";
import { InvitationSummary, MemberSummary, OneTimeLink, ProjectRole, ProjectSummary, UserSummary } from "./projects.ts";
import { strict } from "./strict.ts";
import { wellFormedText } from "./text.ts";

const UserId = wellFormedText().min(1).max(100);
const done = z.object({ changed: z.boolean() });

// Projects, their members, and accounts: the part of the procedures' table that says who may come in.
export const accessApi = {
  projects: {
    // Those the caller may work in.
    list: procedure("query", "account:read", none, z.array(ProjectSummary)),
    create: procedure("mutation", "system:admin", strict({ name: DisplayName }), ProjectSummary),
    rename: procedure("mutation", "project:admin", strict({ name: DisplayName }), ProjectSummary),
    // By the owner, or by an administrator of the installation.
    setOwner: procedure("mutation", "project:admin", strict({ userId: UserId }), ProjectSummary),
    members: procedure("query", "project:admin", none, z.array(MemberSummary)),
    setMember: procedure("mutation", "project:admin", strict({ userId: UserId, role: ProjectRole }), MemberSummary),
    removeMember: procedure("mutation", "project:admin", strict({ userId: UserId }), done),
    invite: procedure(
      "mutation",
      "project:admin",
      strict({ role: ProjectRole, email: z.email().max(200).optional() }),
      OneTimeLink,
    ),
    invitations: procedure("query", "project:admin", none, z.array(InvitationSummary)),
    withdrawInvitation: procedure("mutation", "project:admin", strict({ invitationId: Id }), done),
  },
  users: {
    list: procedure("query", "system:admin", none, z.array(UserSummary)),
    // Ends the account's sessions, tokens and open streams at once; enabled again, it signs in anew.
    setDisabled: procedure("mutation", "system:admin", strict({ userId: UserId, disabled: z.boolean() }), done),
    setAdministrator: procedure(
      "mutation",
      "system:admin",
      strict({ userId: UserId, administrator: z.boolean() }),
      done,
    ),
    // A link by which the person sets a new password; nobody else learns it.
    resetPassword: procedure("mutation", "system:admin", strict({ userId: UserId }), OneTimeLink),
  },
} as const;
