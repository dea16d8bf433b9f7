// The CUDA compiler: nvcc from PATH, else the toolkit's wheels from PyPI (zip files; no Python), by the lock file beside this script.
// Unpacked once under .anneal/cuda/; a wheel whose SHA-256 is another is refused.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const lockPath = join(here, "cuda-toolchain.lock.json");

/** Files of a zip archive, one after the other. Zip64 and encryption are refused: no wheel of the lock file needs them. */
export function* zipEntries(bytes) {
  // The end record is the last thing but a comment.
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== 0x06054b50) end--;
  if (end < 0) throw new Error("not a zip archive: it has no end record");
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < count; i++) {
    if (bytes.readUInt32LE(at) !== 0x02014b50) throw new Error("a damaged zip archive: its directory breaks off");
    const flags = bytes.readUInt16LE(at + 8);
    const method = bytes.readUInt16LE(at + 10);
    const packed = bytes.readUInt32LE(at + 20);
    const size = bytes.readUInt32LE(at + 24);
    const nameLength = bytes.readUInt16LE(at + 28);
    const mode = bytes.readUInt32LE(at + 38) >>> 16;
    const header = bytes.readUInt32LE(at + 42);
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    if (flags & 1 || size === 0xffffffff || header === 0xffffffff) throw new Error(`${name}: encrypted, or of zip64`);
    if (name.endsWith("/")) continue;
    if (name.split("/").includes("..") || name.startsWith("/")) throw new Error(`${name}: a path out of the archive`);
    const from = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
    const data = bytes.subarray(from, from + packed);
    if (method !== 0 && method !== 8) throw new Error(`${name}: compressed by method ${method}, which is not deflate`);
    const content = method === 0 ? data : inflateRawSync(data, { maxOutputLength: size });
    if (content.length !== size) throw new Error(`${name}: ${content.length} bytes instead of ${size}`);
    yield { name, mode, content };
  }
}

async function download(wheel) {
  let response;
  try {
    response = await fetch(wheel.url);
  } catch (error) {
    throw new Error(`${wheel.url}: ${error.cause?.message ?? error.message}`);
  }
  if (!response.ok) throw new Error(`${wheel.url}: ${response.status} ${response.statusText}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== wheel.sha256)
    throw new Error(`${wheel.url}: its SHA-256 is ${digest}, the lock file has ${wheel.sha256}`);
  return bytes;
}

function fromPath() {
  try {
    const nvcc = execFileSync("sh", ["-c", "command -v nvcc"], { encoding: "utf8" }).trim();
    return nvcc ? resolve(dirname(nvcc), "..") : null;
  } catch {
    return null;
  }
}

/**
 * The toolkit's folder (bin/nvcc in it) and where it comes from. Throws where it must be fetched and cannot be.
 * `ANNEAL_CUDA_TOOLKIT` names a folder and goes before everything else.
 */
export async function cudaToolchain({ log = console.log } = {}) {
  const named = process.env.ANNEAL_CUDA_TOOLKIT;
  if (named) {
    if (!existsSync(join(named, "bin/nvcc"))) throw new Error(`ANNEAL_CUDA_TOOLKIT: there is no bin/nvcc in ${named}`);
    return { root: named, source: "ANNEAL_CUDA_TOOLKIT" };
  }
  const onPath = fromPath();
  if (onPath) return { root: onPath, source: "PATH" };
  const lock = JSON.parse(readFileSync(lockPath, "utf8"));
  const wheels = lock.platforms[`${process.platform}-${process.arch}`];
  if (!wheels) throw new Error(`no CUDA compiler for ${process.platform}-${process.arch}: put nvcc on PATH`);
  const home = process.env.ANNEAL_HOME ?? resolve(here, "../../../.anneal");
  const digest = createHash("sha256").update(readFileSync(lockPath)).digest("hex").slice(0, 12);
  const root = join(home, "cuda", `${lock.version}-${digest}`);
  if (existsSync(join(root, "bin/nvcc"))) return { root, source: "PyPI" };
  const making = `${root}.${process.pid}`;
  try {
    for (const wheel of wheels) {
      const started = Date.now();
      const bytes = await download(wheel);
      for (const { name, mode, content } of zipEntries(bytes)) {
        if (!name.startsWith(lock.prefix)) continue;
        const path = join(making, name.slice(lock.prefix.length));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content);
        if (mode & 0o111) chmodSync(path, 0o755);
      }
      log(
        `cuda: ${wheel.name} ${lock.version}, ${(bytes.length / 1e6).toFixed(0)} MB, ${((Date.now() - started) / 1000).toFixed(1)} s`,
      );
    }
    // Whoever was first stays: the content is the same.
    if (existsSync(root)) rmSync(making, { recursive: true });
    else renameSync(making, root);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return { root, source: "PyPI" };
}
