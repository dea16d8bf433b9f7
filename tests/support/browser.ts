// Finds a Chromium for the browser tests: the system's, else Playwright's own, else Debian's package when we are root.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium } from "playwright";

// Root has no sandbox; the rest keeps Chromium from calling home.
export const browserFlags = [
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function onPath(name: string): string | null {
  const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim() : null;
}

function installed(): string | null {
  const named = process.env.ANNEAL_CHROMIUM;
  if (named) return named;
  for (const name of ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]) {
    const path = onPath(name);
    if (path) return path;
  }
  const bundled = chromium.executablePath();
  return existsSync(bundled) ? bundled : null;
}

export function browserExecutable(): string {
  const found = installed();
  if (found) return found;
  if (process.getuid?.() === 0 && onPath("apt-get")) {
    console.error("No Chromium found; installing Debian's package ...");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    execFileSync("apt-get", ["update", "-qq"], { stdio: ["ignore", "ignore", "inherit"], env });
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk"], {
      stdio: ["ignore", "ignore", "inherit"],
      env,
    });
    const path = installed();
    if (path) return path;
  }
  throw new Error(
    "No Chromium found for the browser tests. Remedy: install one (apt-get install chromium, or npx playwright install chromium) or name it in ANNEAL_CHROMIUM.",
  );
}
