import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endLeftovers, readPids } from "./pid-file.ts";

let dir: string;
let program: string;
let child: ChildProcess;
let exited: Promise<unknown>;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "anneal-pids-"));
  program = join(dir, "program.mjs");
  writeFileSync(program, 'setInterval(() => undefined, 1000); console.log("up");');
  child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "ignore"] });
  exited = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout?.once("data", resolve));
});
afterEach(async () => {
  child.kill("SIGKILL");
  await exited;
  rmSync(dir, { recursive: true, force: true });
});

const write = (text: string) => {
  const path = join(dir, "anneal.pid.json");
  writeFileSync(path, text);
  return path;
};
const pids = (children: { pid: number; marker: string }[]) =>
  JSON.stringify({ supervisor: { pid: 1 }, url: "http://127.0.0.1:1", children });
const isUp = () => child.exitCode === null && child.signalCode === null;

test("what a killed supervisor left running is ended", async () => {
  endLeftovers(write(pids([{ pid: child.pid ?? 0, marker: program }])));
  await exited;
  expect(child.signalCode).toBe("SIGTERM");
});

test("a process that only has the same number is left alone", () => {
  endLeftovers(write(pids([{ pid: child.pid ?? 0, marker: "/somewhere/else.mjs" }])));
  endLeftovers(write(pids([{ pid: child.pid ?? 0, marker: program.slice(0, -4) }]))); // a part of its words is not its words
  expect(isUp()).toBe(true);
});

test.each(["", "{", "null", "[]", '{"supervisor":5}', pids([{ pid: -1, marker: "x" }]), "\0\0\0"])(
  "a pid file that holds %j stops nobody and is no error",
  (text) => {
    const path = write(text);
    expect(readPids(path)).toBeNull();
    endLeftovers(path);
    expect(isUp()).toBe(true);
  },
);

test("no file: nothing runs", () => {
  expect(readPids(join(dir, "none.json"))).toBeNull();
});
