import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findRunning } from "./pid-file.ts";

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

const gone = 2 ** 22 + 1; // above the largest process number
const write = (supervisor: { pid: number; marker: string }, children: { pid: number; marker: string }[]) => {
  const path = join(dir, "anneal.pid.json");
  writeFileSync(path, JSON.stringify({ supervisor, url: "http://127.0.0.1:1", children }));
  return path;
};
const isUp = () => child.exitCode === null && child.signalCode === null;

test("a supervisor that lives is found, and nothing of it is touched", () => {
  const me = { pid: child.pid ?? 0, marker: program };
  expect(findRunning(write(me, [me]))).toEqual({ pid: child.pid, url: "http://127.0.0.1:1" });
  expect(isUp()).toBe(true);
});

test("what a killed supervisor left running is ended", async () => {
  expect(findRunning(write({ pid: gone, marker: "x" }, [{ pid: child.pid ?? 0, marker: program }]))).toBeNull();
  await exited;
  expect(child.signalCode).toBe("SIGTERM");
});

test("a process that only has the same number is left alone", () => {
  const stranger = { pid: child.pid ?? 0, marker: "/somewhere/else.mjs" };
  expect(findRunning(write(stranger, [stranger]))).toBeNull();
  expect(isUp()).toBe(true);
});

test("no file: nothing runs", () => {
  expect(findRunning(join(dir, "none.json"))).toBeNull();
});
