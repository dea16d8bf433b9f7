import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LocalClientFile, localClientFileName, ServiceError } from "@anneal/contracts";
import type { Connection } from "./client.ts";

interface Environment {
  ANNEAL_URL?: string | undefined;
  ANNEAL_TOKEN?: string | undefined;
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

/** Where to call and with which token: ANNEAL_URL and ANNEAL_TOKEN, else the server of this machine. */
export function findConnection(environment: Environment, folder: string): Connection {
  const { ANNEAL_URL: url, ANNEAL_TOKEN: token } = environment;
  if (url) return { url, token };
  const home = environment.ANNEAL_HOME || homeAbove(folder);
  const path = home ? join(home, localClientFileName) : null;
  if (!path || !existsSync(path))
    throw new ServiceError("UNAVAILABLE", "no running Anneal was found on this machine", {
      remedy: "start it with ./anneal up, or set ANNEAL_URL and ANNEAL_TOKEN",
    });
  const local = LocalClientFile.parse(JSON.parse(readFileSync(path, "utf8")));
  return { url: local.url, token: token ?? local.token };
}
