import { sql } from "@anneal/db";
import { server } from "../process.ts";

const plain = (text: string, status: number) =>
  new Response(`${text}\n`, { status, headers: { "content-type": "text/plain", "cache-control": "no-store" } });

/** The process runs. */
export const healthz = async () => plain("ok", 200);

/** It can do its work: the database answers and has our tables. */
export async function readyz(): Promise<Response> {
  try {
    await server().db.execute(sql`select 1 from runs limit 1`);
    return plain("ready", 200);
  } catch (error) {
    try {
      server().log.warn({ error: String(error) }, "not ready");
    } catch {
      console.error(error); // the server itself could not start; its log is not there
    }
    return plain("not ready: the database does not answer", 503);
  }
}
