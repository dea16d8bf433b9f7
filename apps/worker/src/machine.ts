import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism, freemem } from "node:os";

/** Bytes that new work may take: what is free plus what the system would give back (page cache). */
export function availableMemoryBytes(): number {
  try {
    const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    if (kilobytes) return Number(kilobytes) * 1024;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return freemem();
}

export function diskFreeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Share of the machine's cores this process has used since the last call. */
export class CpuMeter {
  private last = process.cpuUsage();
  private lastTime = performance.now();

  share(): number {
    const usage = process.cpuUsage(this.last);
    const now = performance.now();
    const seconds = (now - this.lastTime) / 1000;
    this.last = process.cpuUsage();
    this.lastTime = now;
    return seconds > 0 ? (usage.user + usage.system) / 1e6 / seconds / availableParallelism() : 0;
  }
}
