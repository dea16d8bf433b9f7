// The query builder's tag, for code outside db and services that hands it on (pg-boss joins our transactions with it).
export { sql } from "drizzle-orm";
export { createDatabase, type Database, type DatabaseOptions, type Schema, type Transaction } from "./client.ts";
export { newId } from "./id.ts";
export { channels, createListener, type Listener, type NotificationHandler } from "./listener.ts";
export { migrate, migrationsFolder } from "./migrate.ts";
export { withdrawMessage } from "./queue-messages.ts";
export * as schema from "./schema/index.ts";
export { storableText } from "./storable.ts";
export { everyProject, type Tenancy, tenancy } from "./tenancy.ts";
export { type DatabaseTrouble, databaseTrouble } from "./trouble.ts";
