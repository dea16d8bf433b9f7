import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AwsClient } from "aws4fetch";

const here = fileURLToPath(new URL(".", import.meta.url));
export const testKeys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
const bucket = "anneal";

export interface S3Server {
  endpoint: string;
  bucket: string;
  /** As ANNEAL_STORE names it. */
  location: string;
  /** Where the server keeps its objects: tests alter bytes there. */
  folder: string;
  /** Ends the process; `restart` starts it on the same port and folder. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

const versityGateway = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";

/** A second real server, built by Go once a machine; null, with the reason, where that cannot be done. */
export function versitygwProgram(): { program: string | null; why: string } {
  const folder = join(tmpdir(), "anneal-test-versitygw-1.8.0");
  const program = join(folder, "versitygw");
  if (existsSync(program)) return { program, why: "" };
  if (process.env.ANNEAL_TEST_VERSITYGW !== "on")
    return { program: null, why: "ANNEAL_TEST_VERSITYGW=on builds versitygw with go; it is off" };
  try {
    execFileSync("go", ["install", versityGateway], { env: { ...process.env, GOBIN: folder, GOFLAGS: "-mod=mod" } });
    return { program, why: "" };
  } catch (error) {
    return { program: null, why: `versitygw cannot be built with go: ${String(error).slice(0, 200)}` };
  }
}

function launch(kind: "s3rver" | "versitygw", folder: string, port: number): ChildProcess {
  if (kind === "s3rver")
    return spawn(process.execPath, [join(here, "s3rver.mjs"), folder, String(port), bucket], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
  const keys = ["--access", testKeys.accessKeyId, "--secret", testKeys.secretAccessKey];
  const at = ["--port", `127.0.0.1:${port}`, "--quiet"];
  return spawn(versitygwProgram().program ?? "versitygw", [...keys, ...at, "posix", folder], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Asks until the server answers at all; a process that ended says so. */
async function answers(endpoint: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the S3 server ended with exit code ${child.exitCode}`);
    const answer = await fetch(endpoint).catch(() => null);
    if (answer) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A real S3-compatible server with an empty bucket. */
export async function startS3(kind: "s3rver" | "versitygw" = "s3rver"): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), "anneal-s3-"));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let child: ChildProcess;
  const start = async () => {
    child = launch(kind, folder, port);
    await answers(endpoint, child);
  };
  await start();
  if (kind === "versitygw") {
    const client = new AwsClient({ ...testKeys, service: "s3", region: "us-east-1", retries: 0 });
    const empty = createHash("sha256").digest("hex");
    const made = await client.fetch(`${endpoint}/${bucket}`, {
      method: "PUT",
      headers: { "x-amz-content-sha256": empty },
    });
    if (!made.ok) throw new Error(`the bucket could not be made: ${await made.text()}`);
  } else mkdirSync(join(folder, bucket), { recursive: true });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  return {
    endpoint,
    bucket,
    location: `s3://${bucket}/anneal?endpoint=${encodeURIComponent(endpoint)}`,
    folder,
    stop,
    restart: start,
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
