export { auditTrail } from "./audit-trail.ts";
export { doctor } from "./doctor.ts";
export { type Machine, machineChecks } from "./machine-checks.ts";
export { resetPassword } from "./password.ts";
export { type AccessAction, recordAccess } from "./record-access.ts";
export { createFirstAdministrator, issueSetupToken, needsSetup, SetupInput } from "./setup.ts";
export { ollama, status } from "./status.ts";
export { superuserName } from "./superuser-name.ts";
