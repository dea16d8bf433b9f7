import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { promisify } from "node:util";
import { type DoctorCheck, type OllamaStatus, type Phrase, say, told, type Words, wordsOf } from "@anneal/contracts";

const run = promisify(execFile);
const gib = 1024 ** 3;
const inGib = (bytes: number) => `${(bytes / gib).toFixed(1)} GiB`;

/** What the checks look at; anything that throws becomes a finding with its text. */
export interface Machine {
  home: string;
  engineInfo(): { version: string; isa: string; threads: number; cuda: string };
  /** The server's version text; rejects when it does not answer. */
  databaseVersion(): Promise<Words>;
  /** The name of the role that Anneal serves with, where it is a superuser. */
  databaseSuperuser(): Promise<string | null>;
  ollamaStatus(): Promise<OllamaStatus>;
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

const check = (name: Words, status: DoctorCheck["status"], found: Words, remedy: Words | null): DoctorCheck => ({
  status,
  ...told({ name, found, remedy }),
});

async function firstLine(program: string, ...args: string[]): Promise<Words | null> {
  try {
    const { stdout } = await run(program, args, { timeout: 10_000 });
    return stdout.split("\n")[0]?.trim() || say`found`;
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return missing ? null : say`found, but: ${textOf(error)}`;
  }
}

async function tool(name: Words, program: string, remedy: Phrase): Promise<DoctorCheck> {
  const found = await firstLine(program, "--version");
  return found ? check(name, "ok", found, null) : check(name, "missing", say`no ${program} on the PATH`, remedy);
}

function node(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const good = major > 22 || (major === 22 && minor >= 12);
  return check("Node.js", good ? "ok" : "missing", process.version, good ? null : say`install Node.js 22.12 or newer`);
}

function engine(machine: Machine): DoctorCheck[] {
  const name = say`Engine`;
  try {
    const { version, isa, threads, cuda } = machine.engineInfo();
    const slow = isa === "generic";
    return [
      check(
        name,
        slow ? "warning" : "ok",
        say`${version}, instruction set ${isa}, ${threads} [thread|threads]`,
        slow ? say`use a CPU with AVX2 or AVX-512 (or unset ANNEAL_ISA): training will be many times slower` : null,
      ),
      cudaCheck(cuda),
    ];
  } catch (error) {
    return [check(name, "missing", textOf(error), say`run ./anneal setup to build it`)];
  }
}

function cudaCheck(cuda: string): DoctorCheck {
  if (cuda === "available") return check("CUDA", "ok", say`a device answers`, null);
  const driver = existsSync("/proc/driver/nvidia/version");
  const found = driver
    ? say`an NVIDIA driver is present, but this build computes on the CPU`
    : say`no device; the CPU is used`;
  return check("CUDA", "ok", found, null);
}

async function disk(home: string): Promise<DoctorCheck> {
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  const low = free < 10 * gib;
  return check(
    say`Disk`,
    low ? "warning" : "ok",
    say`${inGib(free)} free at ${home}`,
    low ? say`free some space, or set ANNEAL_HOME to a bigger disk: checkpoints and exports need several GiB` : null,
  );
}

function memory(): DoctorCheck {
  const total = totalmem();
  const low = total < 4 * gib;
  return check(
    say`Memory`,
    low ? "warning" : "ok",
    inGib(total),
    low ? say`models above 100 million parameters need at least 4 GiB; use LoRA with small micro-batches` : null,
  );
}

async function postgres(machine: Machine): Promise<DoctorCheck> {
  try {
    const version = await machine.databaseVersion();
    const superuser = await machine.databaseSuperuser();
    if (superuser === null) return check("Postgres", "ok", version, null);
    return check(
      "Postgres",
      "warning",
      say`${version}; the role ${superuser} is a superuser: whoever gets hold of DATABASE_URL rules the whole server`,
      say`give Anneal a role of its own that owns its database and is no superuser`,
    );
  } catch (error) {
    return check(
      "Postgres",
      "missing",
      textOf(error) || say`it does not answer`,
      say`start Anneal (./anneal up brings its own Postgres), or correct DATABASE_URL`,
    );
  }
}

async function ollama(machine: Machine): Promise<DoctorCheck> {
  const status = await machine.ollamaStatus();
  const { host, reachable, version } = status;
  if (reachable) return check("Ollama", "ok", say`${version ?? "?"} at ${host}`, null);
  const why = wordsOf(status, "message");
  return check(
    "Ollama",
    "warning", // runs end well without it; only publishing waits
    why ? say`nothing answers at ${host} (${why})` : say`nothing answers at ${host}`,
    say`start it with \`ollama serve\`, or set OLLAMA_HOST to where it runs; models can be published later`,
  );
}

/** Everything that `./anneal doctor` and the settings page show, each with how to mend it. */
export async function machineChecks(machine: Machine): Promise<DoctorCheck[]> {
  const guarded = (name: Words, made: Promise<DoctorCheck>) =>
    made.catch((error: unknown) => check(name, "warning", textOf(error), null));
  return [
    node(),
    ...(await Promise.all([
      tool(
        say`C++ compiler`,
        process.platform === "darwin" ? "clang++" : "c++",
        say`install g++ 12 or clang 15 or newer (Debian, Ubuntu: apt-get install g++)`,
      ),
      tool("CMake", "cmake", say`install it (Debian, Ubuntu: apt-get install cmake)`),
    ])),
    ...engine(machine),
    memory(),
    ...(await Promise.all([
      guarded(say`Disk`, disk(machine.home)),
      guarded("Postgres", postgres(machine)),
      guarded("Ollama", ollama(machine)),
    ])),
  ];
}
