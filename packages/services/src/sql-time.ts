import { type SQL, sql } from "drizzle-orm";

/** So many seconds from now, by the database's clock. */
export const inSeconds = (seconds: number): SQL => sql`now() + make_interval(secs => ${seconds})`;
