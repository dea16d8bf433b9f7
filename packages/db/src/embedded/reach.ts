import { constants, existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";

// Anneal's home is closed to other users, and as root Postgres is one. It gets no right to look beyond: it is started inside its own
// folder and knows it as the folder it is in, and programs that lie behind a closed folder are copied to where they can be run.

async function isReachable(path: string): Promise<boolean> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** What a program of Postgres is told its folder is; it must be started with that folder as its working directory. */
export async function folderName(dataDir: string, account: Account): Promise<string> {
  if (account === null || (await isReachable(join(dataDir, "PG_VERSION")))) return dataDir;
  if (process.platform === "linux") return "/proc/self/cwd";
  throw new Error(
    `the user postgres cannot reach ${dataDir}: a folder above it is closed to other users. Open it (chmod o+x), set ANNEAL_HOME elsewhere, or set DATABASE_URL.`,
  );
}

/** The programs, at a place where the account can run them. */
export async function reachablePrograms(
  binaries: Binaries,
  account: Account,
  copies = "/var/lib/anneal",
): Promise<Binaries> {
  if (account === null || (await isReachable(binaries.postgres))) return binaries;
  const native = dirname(dirname(binaries.postgres));
  const { version } = JSON.parse(await readFile(join(native, "../package.json"), "utf8")) as { version: string };
  const target = join(copies, `postgres-${version}-${process.arch}`);
  if (!existsSync(target)) {
    try {
      await mkdir(copies, { recursive: true, mode: 0o755 });
      const fresh = await mkdtemp(`${target}.new-`);
      await cp(native, fresh, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
      await chmod(fresh, 0o755);
      // Another starter may have been quicker; its copy is as good.
      await rename(fresh, target).catch(() => rm(fresh, { recursive: true, force: true }));
    } catch (cause) {
      throw new Error(
        `the user postgres cannot reach ${binaries.postgres}: a folder above it is closed to other users, and it cannot be copied to ${target}. Open the folder (chmod o+x), or set DATABASE_URL.`,
        { cause },
      );
    }
  }
  return { initdb: join(target, "bin/initdb"), postgres: join(target, "bin/postgres") };
}

/** A folder of its own, for a moment, that the account can reach. */
export async function passingFolder(): Promise<string> {
  for (const place of [tmpdir(), "/tmp", "/var/tmp"])
    if (existsSync(place) && (await isReachable(join(place, "x")))) return mkdtemp(join(place, "anneal-initdb-"));
  throw new Error("no folder for temporary files can be reached by the user postgres; set TMPDIR to one that can");
}
