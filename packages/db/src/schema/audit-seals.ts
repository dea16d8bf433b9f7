import { bigint, pgTable, uuid } from "drizzle-orm/pg-core";
import { time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";

// The chain over the audit trail: each link's HMAC covers the link before it and the row it seals. Number 0 is the genesis, which
// says how many rows without a mark of their own it took over. Append-only, as the trail is.
export const auditSeals = pgTable("audit_seals", {
  number: bigint("number", { mode: "number" }).primaryKey(),
  auditId: uuid("audit_id").unique(), // no reference: both tables only grow
  mac: text("mac").notNull(),
  genesis: jsonb("genesis").$type<{ adopted: number; time: string }>(),
  sealedAt: time("sealed_at").notNull().defaultNow(),
});
