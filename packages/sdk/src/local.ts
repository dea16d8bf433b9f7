import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LocalClientFile, localClientFileName, ServiceError } from "@anneal/contracts";
import { z } from "zod";
import type { Connection } from "./client.ts";
import { refusalOf } from "./files.ts";

interface Environment {
  ANNEAL_URL?: string | undefined;
  ANNEAL_TOKEN?: string | undefined;
  ANNEAL_PROJECT?: string | undefined;
  ANNEAL_HOME?: string | undefined;
}

// Here, or in a folder above: the command line works from anywhere inside the checkout.
function homeAbove(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    const home = join(at, ".anneal");
    if (existsSync(join(home, localClientFileName))) return home;
    if (dirname(at) === at) return null;
  }
}

function readLocal(environment: Environment, folder: string): LocalClientFile | null {
  const home = environment.ANNEAL_HOME || homeAbove(folder);
  const path = home ? join(home, localClientFileName) : null;
  return path && existsSync(path) ? LocalClientFile.parse(JSON.parse(readFileSync(path, "utf8"))) : null;
}

const notHere = () =>
  new ServiceError("UNAVAILABLE", "no running Anneal was found on this machine", {
    remedy: "start it with ./anneal up, or set ANNEAL_URL and ANNEAL_TOKEN",
  });

/** Where to call and with which token: ANNEAL_URL and ANNEAL_TOKEN, else the server of this machine. */
export function findConnection(environment: Environment, folder: string): Connection {
  const { ANNEAL_URL: url, ANNEAL_TOKEN: token, ANNEAL_PROJECT: project } = environment;
  if (url) return { url, token, project };
  const local = readLocal(environment, folder);
  if (!local) throw notHere();
  return { url: local.url, token: token ?? local.token, project };
}

/** Gives an account of this machine's Anneal a new password, by the key that only the owner of its home can read. */
export async function setLocalPassword(
  environment: Environment,
  folder: string,
  input: { email?: string | undefined; password: string },
): Promise<{ email: string }> {
  const local = readLocal(environment, folder);
  if (!local?.key) throw notHere();
  const response = await fetch(`${local.url}/api/local/password`, {
    method: "POST",
    headers: { authorization: `Local ${local.key}`, "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw await refusalOf(response);
  return z.object({ email: z.string() }).parse(await response.json());
}
