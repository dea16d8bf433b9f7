export { authenticate } from "./authenticate.ts";
export { create } from "./create.ts";
export { list } from "./list.ts";
export { type Credential, credentialKey, living } from "./living.ts";
export { revoke } from "./revoke.ts";
