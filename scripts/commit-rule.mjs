// Subjects of commits: at most 72 characters, a capital first, no full stop. For the hook (a file) and for lint (--since REF).
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const notImperative =
  /^(Added|Adds|Adding|Fixed|Fixes|Fixing|Changed|Changes|Changing|Removed|Removes|Removing|Updated|Updates|Updating)\b/;

/**
 * What is wrong with a commit's subject, or null.
 * @param {string} message the whole message
 */
export function commitFault(message) {
  const [subject = "", second = ""] = message.split("\n").filter((line) => !line.startsWith("#"));
  if (/^(Merge|Revert|fixup!|squash!) ?/.test(subject)) return null;
  if (subject.trim() === "") return "the subject is empty";
  if (subject.length > 72) return `the subject has ${subject.length} characters, at most 72 fit`;
  if (!/^[A-Z`"'./0-9]/.test(subject)) return "the subject begins with a capital";
  if (subject.endsWith(".")) return "the subject ends without a full stop";
  if (notImperative.test(subject)) return "the subject is an imperative: Add, not Added or Adds";
  if (second.trim() !== "") return "an empty line stands between subject and body";
  return null;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [flag = "", since = ""] = process.argv.slice(2);
  let messages;
  if (flag === "--since") {
    if (spawnSync("git", ["merge-base", "--is-ancestor", since, "HEAD"], { stdio: "ignore" }).status !== 0) {
      console.log(`note: the history before ${since} is not here, so no subject is looked at`);
      process.exit(0);
    }
    messages = execFileSync("git", ["log", "--no-merges", "--format=%B%x00", `${since}..HEAD`], { encoding: "utf8" })
      .split("\0")
      .map((message) => message.trim())
      .filter(Boolean);
  } else messages = [readFileSync(flag, "utf8")];
  let wrong = 0;
  for (const message of messages) {
    const fault = commitFault(message);
    if (fault === null) continue;
    wrong++;
    console.error(`${message.split("\n")[0]}\n  ${fault}`);
  }
  if (wrong > 0) process.exit(1);
}
