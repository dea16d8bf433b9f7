import { holders, Permission } from "@anneal/contracts";

// What a token can be given; what every caller or every account may do needs no tick.
export const tokenPermissions = Permission.options.filter((name) => !["everybody", "account"].includes(holders[name]));

// Most programs start and watch runs; the rest is ticked by the person who needs it.
export const usualPermissions: readonly Permission[] = tokenPermissions.filter((name) => !name.endsWith(":admin"));
