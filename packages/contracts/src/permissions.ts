import { z } from "zod";

// Every procedure declares one of these; one that declares none does not compile.
export const Permission = z.enum([
  "public",
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
  "system:admin",
]);
export type Permission = z.infer<typeof Permission>;

export const Actor = z.object({
  kind: z.enum(["user", "token", "system"]),
  id: z.string(),
  name: z.string(),
  permissions: z.array(Permission),
});
export type Actor = z.infer<typeof Actor>;
