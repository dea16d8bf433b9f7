// The whole road in a real browser: first administrator, data, run, live curve, cancel and resume, report, publication.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { startOllamaStandin } from "../support/ollama-standin/index.ts";
import { data } from "./console/data.ts";
import { form } from "./console/form.ts";
import { members } from "./console/members.ts";
import { pages } from "./console/pages.ts";
import type { Road } from "./console/road.ts";
import { run } from "./console/run.ts";
import { signingIn } from "./console/signing-in.ts";
import { openBrowser, openPage } from "./support/browser-session.ts";
import { startStack } from "./support/stack.ts";

const ollamaModels = mkdtempSync(join(tmpdir(), "anneal-e2e-ollama-"));
const road = {} as Road; // filled below, before the first test

beforeAll(async () => {
  road.standin = await startOllamaStandin({ port: 0, models: ollamaModels, answers: "marked" });
  const stack = startStack({ ollamaHost: road.standin.url, ollamaModels });
  [road.stack, road.browser] = await Promise.all([stack, openBrowser()]);
  road.main = await openPage(road.browser, road.stack.url);
  road.page = road.main.page;
});

afterAll(async () => {
  await road.browser?.close();
  await road.stack?.stop();
  await road.standin?.stop();
  rmSync(ollamaModels, { recursive: true, force: true });
});

// One road: what comes after a step that failed would only wait for what is not there.
let failed: string | null = null;
beforeEach(({ task, skip, onTestFailed }) => {
  if (failed !== null) skip(`"${failed}" failed before`);
  onTestFailed(() => {
    failed = task.name;
  });
});

signingIn(road);
data(road);
form(road);
run(road);
pages(road);
members(road);
