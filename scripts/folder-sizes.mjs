// No folder holds more than 25 source files flat (tests beside the source not counted): part of `npm run lint`.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

const most = 25;
/** Folders that may hold more, each with its reason. @type {Record<string, string>} */
const exempt = {};

const isSource = /\.(ts|tsx|mjs|cjs|js|css|h|cc|cu|cuh)$/;
const isTest = /(\.test\.tsx?|_test\.cc)$/;

/**
 * What is wrong with the folders of these files.
 * @param {string[]} files paths below the repository
 * @param {Record<string, string>} allowed folders that may hold more
 */
export function crowdedFolders(files, allowed = {}) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const file of files) {
    // In tests/ the tests are the source.
    if (!isSource.test(file) || (isTest.test(file) && !file.startsWith("tests/"))) continue;
    counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  const crowded = [...counts].filter(([folder, count]) => count > most && !(folder in allowed));
  const stale = Object.keys(allowed).filter((folder) => (counts.get(folder) ?? 0) <= most);
  return [
    ...crowded.map(
      ([folder, count]) => `${folder} holds ${count} source files, more than ${most}: divide it into folders`,
    ),
    ...stale.map((folder) => `${folder} holds no more than ${most} source files: remove its exemption`),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" })
    .split("\n")
    .filter((file) => file !== "" && existsSync(file));
  const wrong = crowdedFolders(files, exempt);
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exit(1);
}
