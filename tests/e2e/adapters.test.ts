// Adapters side by side in a real browser: chosen in the form, watched on the run's page, told apart when done.

import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createAnnealClient, findConnection, uploadDataset } from "../../packages/sdk/src/index.ts";
import { axe, choose, openBrowser, openPage, sideways, type Watched } from "./support/browser-session.ts";
import { type Stack, startStack } from "./support/stack.ts";

let stack: Stack;
let browser: Browser;
let main: Watched;
let page: Page;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ ollamaHost: "http://127.0.0.1:9" }), openBrowser()]);
  main = await openPage(browser, stack.url);
  page = main.page;
  await page.goto(stack.anneal.setupLink ?? "");
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("E-mail").fill("ada@example.org");
  for (const label of ["Password", "Repeat the password"])
    await page.getByLabel(label, { exact: true }).fill("correct horse battery staple");
  await page.getByRole("button", { name: "Create and sign in" }).click();
  await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

// One road: the run's page comes after the form.
let started = false;
beforeEach(({ skip, task }) => {
  if (!started && task.name.startsWith("the run")) skip("the run was not started");
});

it("the form takes a list of adapters, says at once what is wrong in it, and starts the run", async () => {
  const connection = findConnection({ ANNEAL_HOME: stack.home }, stack.home);
  const client = createAnnealClient(connection);
  const { uploadId } = await uploadDataset(connection, stack.files.train);
  await client.datasets.commit.mutate({ uploadId, name: "colours" });

  await page.goto("/runs/new");
  await choose(page.getByLabel("Base model"), stack.modelName);
  await choose(page.getByRole("combobox", { name: /^Dataset/ }), "600 rows");
  await page.getByLabel("Do not publish").check();
  await page.getByText("Method and precision", { exact: true }).click();
  await page.getByRole("button", { name: "Compare several adapters" }).click();
  const field = (setting: string, number: number) => page.getByLabel(`${setting} of adapter ${number}`);
  expect(await field("Name", 1).inputValue()).toBe("a1");
  await field("Rate", 1).fill("5e-3");
  await field("Rank", 1).fill("4");
  await field("Rate", 2).fill("1e-5");
  await page.getByRole("button", { name: "Add an adapter" }).click();
  await field("Name", 3).fill("a1");
  await page.getByText(/a1 is named twice/).waitFor();
  await page.getByRole("button", { name: "Remove adapter 3" }).click();
  await page.getByText("2 adapters side by side").waitFor();
  await page.getByText("Evaluation", { exact: true }).click();
  await page.getByLabel("Rows per evaluation").fill("8");
  await page.getByLabel("Rows in the final evaluation").fill("8");
  await page.getByLabel("Longest answer, in tokens").fill("8");
  await page.getByText("Fits", { exact: true }).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByRole("button", { name: "Copy as …" }).click();
  const dialog = page.getByRole("dialog");
  expect(await dialog.locator("pre").first().textContent()).toContain(`adapters=[{"name":"a1","rank":4`);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Start run" }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  started = true;
});

it("the run's page draws a line for every adapter and marks the best in a table", async () => {
  await page.locator(`h1 [data-status="succeeded"]`).waitFor({ timeout: 240_000 });
  const chart = page.locator('[data-chart="adapters train/loss"]');
  await chart.scrollIntoViewIfNeeded();
  await chart.locator("canvas").waitFor();
  const words = (await chart.getByRole("img").getAttribute("aria-label")) ?? "";
  expect(words).toMatch(/a1.*a2/);
  const table = page.getByRole("region", { name: "Adapters trained side by side" });
  const row = (name: string) => table.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
  await row("a1").getByText("lowest loss").waitFor();
  await row("a1").getByText("exported").waitFor();
  expect(await row("a2").getByText("lowest loss").count()).toBe(0);
  await page.getByRole("tab", { name: "Answers" }).click();
  await page.getByText("adapter a1", { exact: true }).first().waitFor();
  await page.getByRole("tab", { name: "Results" }).click();
  await page.getByText("Tuned model (a1)").waitFor();
  await page.getByText("a2/adapter_model.safetensors").first().waitFor();
  expect(await axe(page)).toEqual([]);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.getByText("Adapters trained side by side").first().waitFor();
  expect(await sideways(page)).toBe(0);
  expect(main.faults).toEqual([]);
});
