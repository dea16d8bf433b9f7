import { Permission } from "@anneal/contracts";

// What a token can be given; "public" needs none.
export const tokenPermissions = Permission.options.filter((name) => name !== "public");

// Most programs start and watch runs; the rest is ticked by the person who needs it.
export const usualPermissions: readonly Permission[] = tokenPermissions.filter((name) => name !== "system:admin");
