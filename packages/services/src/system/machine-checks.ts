import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { promisify } from "node:util";
import type { DoctorCheck, OllamaStatus } from "@anneal/contracts";

const run = promisify(execFile);
const gib = 1024 ** 3;
const inGib = (bytes: number) => `${(bytes / gib).toFixed(1)} GiB`;

/** What the checks look at; anything that throws becomes a finding with its text. */
export interface Machine {
  home: string;
  engineInfo(): { version: string; isa: string; threads: number; cuda: string };
  /** The server's version text; rejects when it does not answer. */
  databaseVersion(): Promise<string>;
  ollamaStatus(): Promise<OllamaStatus>;
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

async function firstLine(program: string, ...args: string[]): Promise<string | null> {
  try {
    const { stdout } = await run(program, args, { timeout: 10_000 });
    return stdout.split("\n")[0]?.trim() || "found";
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return missing ? null : `found, but: ${textOf(error)}`;
  }
}

async function tool(name: string, program: string, remedy: string): Promise<DoctorCheck> {
  const found = await firstLine(program, "--version");
  return found
    ? { name, status: "ok", found, remedy: null }
    : { name, status: "missing", found: `no ${program} on the PATH`, remedy };
}

function node(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const good = major > 20 || (major === 20 && minor >= 19);
  return {
    name: "Node.js",
    status: good ? "ok" : "missing",
    found: process.version,
    remedy: good ? null : "install Node.js 20.19 or newer",
  };
}

function engine(machine: Machine): DoctorCheck[] {
  try {
    const { version, isa, threads, cuda } = machine.engineInfo();
    const slow = isa === "generic";
    return [
      {
        name: "Engine",
        status: slow ? "warning" : "ok",
        found: `${version}, instruction set ${isa}, ${threads} threads`,
        remedy: slow
          ? "use a CPU with AVX2 or AVX-512 (or unset ANNEAL_ISA): training will be many times slower"
          : null,
      },
      cudaCheck(cuda),
    ];
  } catch (error) {
    return [{ name: "Engine", status: "missing", found: textOf(error), remedy: "run ./anneal setup to build it" }];
  }
}

function cudaCheck(cuda: string): DoctorCheck {
  if (cuda === "available") return { name: "CUDA", status: "ok", found: "a device answers", remedy: null };
  const driver = existsSync("/proc/driver/nvidia/version");
  const found = driver ? "an NVIDIA driver is here, this build computes on the CPU" : "no device; the CPU is used";
  return { name: "CUDA", status: "ok", found, remedy: null };
}

async function disk(home: string): Promise<DoctorCheck> {
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  const low = free < 10 * gib;
  return {
    name: "Disk",
    status: low ? "warning" : "ok",
    found: `${inGib(free)} free at ${home}`,
    remedy: low
      ? "free some space, or set ANNEAL_HOME to a bigger disk: checkpoints and exports need several GiB"
      : null,
  };
}

function memory(): DoctorCheck {
  const total = totalmem();
  const low = total < 4 * gib;
  return {
    name: "Memory",
    status: low ? "warning" : "ok",
    found: inGib(total),
    remedy: low
      ? "4 GiB are the least for models above 100 million parameters; use LoRA with small micro-batches"
      : null,
  };
}

async function postgres(machine: Machine): Promise<DoctorCheck> {
  try {
    return { name: "Postgres", status: "ok", found: await machine.databaseVersion(), remedy: null };
  } catch (error) {
    return {
      name: "Postgres",
      status: "missing",
      found: textOf(error) || "it does not answer",
      remedy: "start Anneal (./anneal up brings its own Postgres), or correct DATABASE_URL",
    };
  }
}

async function ollama(machine: Machine): Promise<DoctorCheck> {
  const { host, reachable, version, message } = await machine.ollamaStatus();
  return reachable
    ? { name: "Ollama", status: "ok", found: `${version ?? "?"} at ${host}`, remedy: null }
    : {
        name: "Ollama",
        status: "warning", // runs end well without it; only publishing waits
        found: `nothing answers at ${host}${message ? ` (${message})` : ""}`,
        remedy: "start it with `ollama serve`, or set OLLAMA_HOST to where it runs; models can be published later",
      };
}

/** Everything that `./anneal doctor` and the settings page show, each with how to mend it. */
export async function machineChecks(machine: Machine): Promise<DoctorCheck[]> {
  const guarded = (name: string, check: Promise<DoctorCheck>) =>
    check.catch((error: unknown): DoctorCheck => ({ name, status: "warning", found: textOf(error), remedy: null }));
  return [
    node(),
    ...(await Promise.all([
      tool(
        "C++ compiler",
        process.platform === "darwin" ? "clang++" : "c++",
        "install g++ 12 or clang 15 or newer (Debian, Ubuntu: apt-get install g++)",
      ),
      tool("CMake", "cmake", "install it (Debian, Ubuntu: apt-get install cmake)"),
    ])),
    ...engine(machine),
    memory(),
    ...(await Promise.all([
      guarded("Disk", disk(machine.home)),
      guarded("Postgres", postgres(machine)),
      guarded("Ollama", ollama(machine)),
    ])),
  ];
}
