// npm run lint: every check of the sources, two at a time; each names what it found.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

const base = "25766cb"; // subjects of commits after this one are held to the rule
/** @type {[string, string][]} */
const checks = [
  ["biome", "biome check --error-on-warnings ."],
  ["layers", "depcruise --config .dependency-cruiser.cjs apps packages tests"],
  ["unused code", "knip --no-progress --treat-config-hints-as-errors"],
  ["native format", "npm run -s lint:native"],
  ["clang-tidy", "node scripts/clang-tidy.mjs"],
  ["folders", "node scripts/folder-sizes.mjs"],
  ["commits", `node scripts/commit-rule.mjs --since ${base}`],
];

const root = join(import.meta.dirname, "..");
const env = { ...process.env, PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}` };
let failed = 0;
const waiting = [...checks];
async function work() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [name, command] = next;
    const child = spawn("bash", ["-c", command], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    if (code !== 0) failed++;
    console.log(`${code === 0 ? "ok    " : "failed"}  ${name}`);
    // A check that passes may still have a word to say: what it could not look at.
    if (code !== 0 || /^(note|skipped)/m.test(output)) console.log(output.trimEnd());
  }
}
await Promise.all([work(), work()]);
process.exit(failed > 0 ? 1 : 0);
