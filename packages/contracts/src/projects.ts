import { z } from "zod";
import { Id } from "./ids.ts";

/** The project that a new home has, and that took all that there was before there were projects. */
export const defaultProjectId = "00000000-0000-7000-8000-000000000001";

/** What a member may do: each role may do all that those before it may. */
export const projectRoles = ["viewer", "annotator", "editor", "admin"] as const;
export const ProjectRole = z.enum(projectRoles);
export type ProjectRole = z.infer<typeof ProjectRole>;

export const ProjectSummary = z.object({
  id: Id,
  name: z.string(),
  ownerName: z.string().nullable(),
  members: z.int(),
  /** The caller's own role; null: an administrator of the installation who is no member. */
  role: ProjectRole.nullable(),
  /** Whether this call was made in it. */
  current: z.boolean(),
  createdAt: z.string(),
});
export type ProjectSummary = z.infer<typeof ProjectSummary>;

export const MemberSummary = z.object({
  userId: z.string(),
  name: z.string(),
  email: z.string(),
  role: ProjectRole,
  owner: z.boolean(),
  disabled: z.boolean(),
});
export type MemberSummary = z.infer<typeof MemberSummary>;

export const InvitationSummary = z.object({
  id: Id,
  role: ProjectRole,
  email: z.string().nullable(), // null: whoever has the link
  createdAt: z.string(),
  expiresAt: z.string(),
});
export type InvitationSummary = z.infer<typeof InvitationSummary>;

/** A link that works once. It is shown here and never again. */
export const OneTimeLink = z.object({ path: z.string(), expiresAt: z.string() });
export type OneTimeLink = z.infer<typeof OneTimeLink>;

export const UserSummary = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  administrator: z.boolean(),
  disabledAt: z.string().nullable(),
  projects: z.array(z.object({ name: z.string(), role: ProjectRole })),
  createdAt: z.string(),
});
export type UserSummary = z.infer<typeof UserSummary>;

/** Names the project of a request: as this header, or as the query parameter `project` where no header can be set. */
export const projectHeader = "anneal-project";
export const projectParameter = "project";
/** The project that a browser chose last. */
export const projectCookie = "anneal.project";
