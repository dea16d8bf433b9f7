import { z } from "zod";
import { type ProjectRole, projectRoles } from "./projects.ts";

// Every procedure declares one of these; one that declares none does not compile.
export const Permission = z.enum([
  "public",
  "account:read",
  "datasets:read",
  "datasets:write",
  "models:read",
  "models:write",
  "runs:read",
  "runs:write",
  "artifacts:read",
  "deployments:read",
  "deployments:write",
  "system:read",
  "project:admin",
  "system:admin",
]);
export type Permission = z.infer<typeof Permission>;

/** Who has a permission: everybody, whoever signed in, a project's members from a role on, or administrators of the installation. */
export type Holder = "everybody" | "account" | ProjectRole | "administrator";

/** The one table of roles; a permission without a holder does not compile. An annotator reads, until there is something to annotate. */
export const holders: Record<Permission, Holder> = {
  public: "everybody",
  "account:read": "account",
  "datasets:read": "viewer",
  "datasets:write": "editor",
  "models:read": "viewer",
  "models:write": "editor",
  "runs:read": "viewer",
  "runs:write": "editor",
  "artifacts:read": "viewer",
  "deployments:read": "viewer",
  "deployments:write": "editor",
  "system:read": "viewer",
  "project:admin": "admin",
  "system:admin": "administrator",
};

/** What a person may do in a project: by the role there (null: no member), and as an administrator of the installation. */
export function permissionsOf(person: { role: ProjectRole | null; administrator: boolean }): Permission[] {
  const rank = person.role ? projectRoles.indexOf(person.role) : -1;
  return Permission.options.filter((permission) => {
    const holder = holders[permission];
    if (holder === "everybody" || holder === "account" || person.administrator) return true;
    return holder !== "administrator" && projectRoles.indexOf(holder) <= rank;
  });
}

export const Actor = z.object({
  kind: z.enum(["user", "token", "system"]),
  id: z.string(),
  name: z.string(),
  permissions: z.array(Permission),
  /** The account behind it; absent for the machine's own command line and for programs of Anneal. */
  userId: z.string().optional(),
});
export type Actor = z.infer<typeof Actor>;
