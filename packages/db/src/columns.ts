import { sql } from "drizzle-orm";
import { bigint, timestamp, uuid } from "drizzle-orm/pg-core";
import { newId } from "./id.ts";

// Columns that many tables share, under one spelling.
export const id = () => uuid("id").primaryKey().$defaultFn(newId);
export const time = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });
export const createdAt = () => time("created_at").notNull().defaultNow();
// Sizes stay below 2^53, so a JavaScript number holds them.
export const byteCount = (name: string) => bigint(name, { mode: "number" });
// The project that the connection works in (tenancy.ts). Where it works in all of them, a row must name its own.
export const projectId = () => uuid("project_id").default(sql`anneal_project()`);
