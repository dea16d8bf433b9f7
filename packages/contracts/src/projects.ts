import { z } from "zod";

/** The project that a new home has, and that took all that there was before there were projects. */
export const defaultProjectId = "00000000-0000-7000-8000-000000000001";

/** What a member may do: each role may do all that those before it may. */
export const projectRoles = ["viewer", "annotator", "editor", "admin"] as const;
export const ProjectRole = z.enum(projectRoles);
export type ProjectRole = z.infer<typeof ProjectRole>;
