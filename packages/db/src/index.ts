export { createDatabase, type Database, type DatabaseOptions, type Schema, type Transaction } from "./client.ts";
export { newId } from "./id.ts";
export { channels, createListener, type Listener, type NotificationHandler } from "./listener.ts";
export { migrate, migrationsFolder } from "./migrate.ts";
export * as schema from "./schema/index.ts";
