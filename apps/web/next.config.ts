import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const workspaceRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const config: NextConfig = {
  reactStrictMode: true,
  poweredByHeader: false,
  // Native addons and drivers stay what npm installed; the rest of the workspace is compiled from source.
  serverExternalPackages: ["pg", "pg-boss", "pino"],
  transpilePackages: ["@anneal/contracts", "@anneal/db", "@anneal/ollama", "@anneal/services", "@anneal/store"],
  outputFileTracingRoot: workspaceRoot,
  turbopack: { root: workspaceRoot },
  // Types are checked by `npm run typecheck`, once, not again by every build.
  typescript: { ignoreBuildErrors: true },
  images: { unoptimized: true },
  // Builds are rare (the launcher sees whether anything changed); writing a cache takes as long as it would save.
  experimental: { turbopackFileSystemCacheForBuild: false },
};
export default config;
