import { randomBytes } from "node:crypto";
import { chmod, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LocalClientFile, localClientFileName } from "@anneal/contracts";
import { sealTrail, systemActor, tokens } from "@anneal/services";
import { type Server, server } from "./process.ts";

const tokenName = "Command line of this machine";
const retryMilliseconds = 1000;

async function knownToken(here: Server, path: string): Promise<string | null> {
  try {
    const { token } = LocalClientFile.parse(JSON.parse(await readFile(path, "utf8")));
    return (await tokens.authenticate(here.services, token)) ? token : null;
  } catch {
    return null; // not there, not ours or of another database: a fresh one is made
  }
}

async function freshToken(here: Server): Promise<string> {
  const context = { ...here.services, actor: systemActor };
  const permissions = systemActor.permissions.filter((permission) => permission !== "public");
  return (await tokens.create(context, { name: tokenName, permissions, expiresInDays: 365 })).token;
}

/** Where the server is and a token for it, in a file that only this user can read: the CLI of this machine needs no setup. */
export async function writeLocalClient(here: Server): Promise<string> {
  const path = join(here.env.home, localClientFileName);
  const content: LocalClientFile = {
    url: `http://127.0.0.1:${here.env.port}`,
    token: (await knownToken(here, path)) ?? (await freshToken(here)),
    pid: process.pid,
    key: here.localKey,
  };
  const fresh = `${path}.${randomBytes(4).toString("hex")}`;
  await writeFile(fresh, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  await chmod(fresh, 0o600);
  await rename(fresh, path).catch(async (error: unknown) => {
    await unlink(fresh);
    throw error;
  });
  return path;
}

/** Tries until the database answers; the server serves meanwhile. */
export async function announce(): Promise<void> {
  for (;;) {
    try {
      const here = server();
      await writeLocalClient(here);
      await sealTrail(here.db); // begins the chain, or takes up what a process that died left open
      return;
    } catch (error) {
      console.warn(
        `the command line's token could not be written yet: ${error instanceof Error ? error.message : error}`,
      );
      await new Promise((resolve) => setTimeout(resolve, retryMilliseconds).unref());
    }
  }
}
