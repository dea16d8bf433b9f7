// The whole road in a real browser: first administrator, data, run, live curve, cancel and resume, report, publication.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAnnealClient, findConnection, uploadDataset } from "@anneal/sdk";
import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startOllamaStandin } from "../support/ollama-standin/index.ts";
import { axe, englishOn, openBrowser, openPage, sideways, type Watched } from "./support/browser-session.ts";
import { type Stack, startStack } from "./support/stack.ts";

const password = "correct horse battery staple";
const email = "ada@example.org";

let stack: Stack;
let standin: Awaited<ReturnType<typeof startOllamaStandin>>;
let browser: Browser;
let main: Watched;
let page: Page;
let signedIn: Awaited<ReturnType<BrowserContext["storageState"]>>;
let runPath = "";
let datasetPath = "";
const ollamaModels = mkdtempSync(join(tmpdir(), "anneal-e2e-ollama-"));

beforeAll(async () => {
  standin = await startOllamaStandin({ port: 0, models: ollamaModels, answers: "marked" });
  [stack, browser] = await Promise.all([startStack({ ollamaHost: standin.url, ollamaModels }), openBrowser()]);
  main = await openPage(browser, stack.url);
  page = main.page;
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await standin?.stop();
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

const status = () => page.locator("h1 [data-status]").getAttribute("data-status");
const untilStatus = (wanted: string, milliseconds = 120_000) =>
  page.locator(`h1 [data-status="${wanted}"]`).waitFor({ timeout: milliseconds });

/** The last step that the loss chart tells of, as a screen reader hears it. */
async function lastStepOnChart(): Promise<number> {
  const words = (await page.locator('[data-chart] [role="img"]').first().getAttribute("aria-label")) ?? "";
  return Number(/at step ([\d,]+)/.exec(words)?.[1]?.replaceAll(",", "") ?? -1);
}

/** The first chart's pixels, taken at one moment: a chart may be made anew between two questions. */
const drawn = () =>
  page.evaluate(() => document.querySelector<HTMLCanvasElement>("[data-chart] canvas")?.toDataURL() ?? "");

describe("signing in", () => {
  it("makes the first administrator by the one-time link", async () => {
    expect(stack.anneal.setupLink).toContain("/setup?token=");
    await page.goto(stack.anneal.setupLink ?? "");
    await page.getByLabel("Your name").fill("Ada");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByLabel("Password again").fill(password);
    await page.getByRole("button", { name: "Create and sign in" }).click();
    await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
  });

  it("the link works once", async () => {
    const other = await openPage(browser, stack.url);
    const again = await other.page.request.post("/api/setup", {
      headers: { origin: stack.url },
      data: {
        token: new URL(stack.anneal.setupLink ?? "").searchParams.get("token"),
        name: "Eve",
        email: "eve@example.org",
        password,
      },
    });
    expect(again.ok()).toBe(false);
    await other.context.close();
  });

  it("signs out and in; a wrong password is refused", async () => {
    await page.getByRole("button", { name: "Account" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in/);
    await page.goto("/runs");
    await page.waitForURL(/\/sign-in/);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill("not this one at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("E-mail or password is wrong").waitFor();
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
    signedIn = await main.context.storageState();
  });
});

describe("data", () => {
  it("shows bad lines by number and goes on without them only when told", async () => {
    await page.getByRole("link", { name: "Datasets", exact: true }).first().click();
    await page.locator("input[type=file]").setInputFiles(stack.files.withBadLines);
    await page.getByText("Line 4", { exact: true }).waitFor();
    await page.getByText("Line 8", { exact: true }).waitFor();
    const save = page.getByRole("button", { name: /^Save 6 rows/ });
    expect(await save.isDisabled()).toBe(true);
    await page.getByLabel(/Go on without these 2 lines/).check();
    await page.getByLabel("Name").fill("damaged colours");
    await save.click();
    await page.getByRole("heading", { name: "damaged colours" }).waitFor();
    await page.getByText("2 bad lines left out").first().waitFor();
  });

  it("maps the columns of a CSV", async () => {
    await page.goto("/datasets");
    await page.getByRole("button", { name: "Upload data" }).click();
    await page.locator("input[type=file]").setInputFiles(stack.files.csv);
    const columns = page.getByRole("group", { name: "Columns" });
    await columns.getByLabel("Question").selectOption("text");
    await columns.getByLabel("System line for every row").fill("Name the intent.");
    await columns.getByRole("button", { name: "Read with these columns" }).click();
    await page.getByText("Name the intent.", { exact: true }).first().waitFor();
    await page.getByText("My card, it is lost").waitFor();
  });

  it("uploads the training data and shows which tokens are trained", async () => {
    await page.goto("/datasets");
    await page.getByRole("button", { name: "Upload data" }).click();
    await page.locator("input[type=file]").setInputFiles(stack.files.train);
    await page.getByRole("button", { name: /^Save 600 rows/ }).click();
    await page.getByRole("heading", { name: "colours", exact: true }).waitFor();
    datasetPath = new URL(page.url()).pathname;
    await page.getByLabel("Go to row").fill("587");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await page.getByText("white thing 587").or(page.getByText("blue thing 586")).first().waitFor();
    await page.getByRole("tab", { name: "Loss-mask X-ray" }).click();
    await page.getByLabel("Base model").selectOption({ label: await optionWith(page, stack.modelName) });
    await page.getByText("Every row fits and teaches something.").waitFor();
    const trained = page.locator("mark[data-trained]").first();
    expect(await trained.textContent()).toContain("red");
    expect(await trained.textContent()).toContain("<|im_end|>");
    expect(await trained.textContent()).not.toContain("thing");
  });
});

const connectionOf = ({ home }: Stack) => findConnection({ ANNEAL_HOME: home }, home);
const clientOf = (of: Stack) => createAnnealClient(connectionOf(of));

async function optionWith(on: Page, text: string): Promise<string> {
  const option = on.locator("option", { hasText: text }).first();
  await option.waitFor({ state: "attached" });
  return (await option.textContent()) ?? "";
}

describe("a run", () => {
  it("the form asks for three things and shows the plan before it starts", async () => {
    await page.goto("/runs/new");
    await page.getByRole("button", { name: "Start run" }).click();
    await page.getByText("choose a base model", { exact: true }).waitFor();
    await page.getByText("choose a dataset", { exact: true }).waitFor();
    await page.getByLabel("Base model").selectOption({ label: await optionWith(page, stack.modelName) });
    await page.getByRole("combobox", { name: /^Dataset/ }).selectOption({ label: await optionWith(page, "600 rows") });
    await page.getByRole("textbox", { name: /Published as/ }).fill("colours-e2e");
    await page.getByText("Fits", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "Memory", exact: true }).waitFor();
    await page.getByText("What the model will see").waitFor();
  });

  it("what does not fit is refused, and one click on a proposal makes it fit", async () => {
    await page.getByText("Batches and memory", { exact: true }).click();
    const budget = page.getByLabel("Memory budget");
    await budget.fill("0.137");
    await page.getByText("Does not fit", { exact: true }).waitFor();
    expect(await page.getByRole("button", { name: "Start run" }).isDisabled()).toBe(true);
    await page.getByRole("alert", { name: "Any one of these makes it fit:" }).getByRole("button").first().click();
    await page.getByText("Fits", { exact: true }).waitFor();
    await page.getByRole("button", { name: /Balanced/ }).click();
    await budget.fill("");
    await page.getByText("Fits", { exact: true }).waitFor();
  });

  it("a dataset in which nothing is trained is refused", async () => {
    const client = clientOf(stack);
    const file = join(stack.home, "mute.jsonl");
    writeFileSync(
      file,
      Array.from({ length: 20 }, (_, i) =>
        JSON.stringify({
          messages: [
            { role: "user", content: `question ${i}` },
            { role: "assistant", content: "answer", weight: 0 },
          ],
        }),
      ).join("\n"),
    );
    const inspection = await uploadDataset(connectionOf(stack), file);
    const mute = await client.datasets.commit.mutate({ uploadId: inspection.uploadId, name: "mute" });
    const other = await openPage(browser, stack.url, {}, signedIn);
    await other.page.goto(`/runs/new?dataset=${mute.versions[0]?.id}`);
    await other.page.getByLabel("Base model").selectOption({ label: await optionWith(other.page, stack.modelName) });
    await other.page
      .getByText(/nothing (would be|to) train/i)
      .first()
      .waitFor();
    expect(await other.page.getByRole("button", { name: "Start run" }).isDisabled()).toBe(true);
    await other.context.close();
  });

  it("a distillation takes what a teacher said from its file, and sources their weights", async () => {
    const client = clientOf(stack);
    const model = (await client.models.list.query()).find(({ name }) => name === stack.modelName)?.ref ?? "";
    const dataset = datasetPath.split("/").at(-1) ?? "";
    const version = (await client.datasets.get.query({ datasetId: dataset })).versions.at(-1)?.id ?? "";
    const { id } = await client.teacherFiles.make.mutate({ name: "taught", model, dataset: version, topK: 8 });
    const made = async () => (await client.teacherFiles.get.query({ teacherFileId: id })).status;
    await expect.poll(made, { timeout: 90_000 }).toBe("ready");
    const other = await openPage(browser, stack.url, {}, signedIn);
    await other.page.goto(`/runs/new?dataset=${version}`);
    await other.page.getByLabel("Base model").selectOption({ label: await optionWith(other.page, stack.modelName) });
    await other.page.getByText("What it learns from", { exact: true }).click();
    await other.page.getByLabel("Learns from", { exact: true }).selectOption("distill");
    await other.page.getByText("choose a teacher", { exact: false }).first().waitFor();
    const file = other.page.getByLabel("What the teacher said", { exact: true });
    await file.selectOption({ label: "taught (best 8)" });
    expect(await other.page.getByLabel("Teacher", { exact: true }).count()).toBe(0);
    await other.page.getByText("Fits", { exact: true }).waitFor();
    const weights = other.page.getByLabel("Weights of sources", { exact: true });
    await weights.fill("forum = 0.5");
    await other.page
      .getByText(/no row comes from forum/)
      .first()
      .waitFor();
    await weights.fill("");
    await other.page.getByText("Fits", { exact: true }).waitFor();
    await other.page.getByRole("textbox", { name: /Published as/ }).fill("taught-e2e");
    await other.page.getByRole("button", { name: "Copy as …" }).click();
    const text = (await other.page.getByRole("dialog").locator("pre").first().textContent()) ?? "";
    expect(text).toContain(id);
    await other.context.close();
  });

  it("copies as command line only what differs, and says what is wrong at its field", async () => {
    await page.getByText("Learning", { exact: true }).click();
    const rate = page.getByLabel("Learning rate", { exact: true });
    await rate.fill("5");
    await page.getByText("at most 1", { exact: true }).waitFor();
    await rate.fill("0.005");
    await page.getByLabel("Epochs").fill("16");
    await page.getByText("Evaluation", { exact: true }).click();
    await page.getByLabel("Rows per evaluation").fill("8");
    await page.getByLabel("Rows of the final evaluation").fill("8");
    await page.getByLabel("Longest answer, in tokens").fill("8");
    await page.getByRole("button", { name: "Copy as …" }).click();
    const dialog = page.getByRole("dialog");
    const text = (await dialog.locator("pre").first().textContent()) ?? "";
    expect(text).toContain("--learning-rate 0.005");
    expect(text).toContain("--publish colours-e2e");
    expect(text).not.toContain("beta1");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  it("a double click makes one run", async () => {
    await page.getByRole("button", { name: "Start run" }).dblclick();
    await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
    runPath = new URL(page.url()).pathname;
    expect((await clientOf(stack).runs.list.query({})).items).toHaveLength(1);
  });

  it("the curve moves by itself while the run goes on", async () => {
    await untilStatus("running");
    await expect.poll(lastStepOnChart, { timeout: 90_000 }).toBeGreaterThan(0);
    const before = await lastStepOnChart();
    const pixels = await drawn();
    expect(pixels.length).toBeGreaterThan(100);
    await expect.poll(lastStepOnChart, { timeout: 90_000 }).toBeGreaterThan(before + 2);
    // The words change at once, the drawing with the browser's next frame.
    await expect.poll(drawn, { timeout: 30_000 }).not.toBe(pixels);
  });

  it("is cancelled, and goes on from where it was", async () => {
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel the run" }).click();
    await untilStatus("cancelled");
    const cancelledAt = await lastStepOnChart();
    expect(cancelledAt).toBeGreaterThan(0);
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await untilStatus("running");
    await untilStatus("succeeded", 240_000);
    expect(await status()).toBe("succeeded");
    await expect.poll(lastStepOnChart, { timeout: 30_000 }).toBeGreaterThan(cancelledAt);
  });

  it("opens the report, which needs no script and calls nobody", async () => {
    const [report] = await Promise.all([
      main.context.waitForEvent("page"),
      page.getByRole("link", { name: "Open the report" }).click(),
    ]);
    await report.waitForLoadState();
    expect(await report.locator("script").count()).toBe(0);
    expect((await report.locator("h1").first().textContent())?.length).toBeGreaterThan(3);
    await report.close();
  });

  it("is published and served under its name", async () => {
    await page.getByRole("tab", { name: "Results" }).click();
    await page.locator('[data-status="live"]').first().waitFor({ timeout: 120_000 });
    const tags = (await (await fetch(`${standin.url}/api/tags`)).json()) as { models: { name: string }[] };
    expect(tags.models.map(({ name }) => name)).toContain("colours-e2e:latest");
  });

  it("a copy opens with all its settings", async () => {
    await page.getByRole("link", { name: "Clone and edit" }).click();
    await page.getByRole("heading", { name: "New run" }).waitFor();
    await page.getByText("Learning", { exact: true }).click();
    expect(await page.getByLabel("Learning rate", { exact: true }).inputValue()).toBe("0.005");
    expect(await page.getByRole("textbox", { name: /Published as/ }).inputValue()).toBe("colours-e2e");
  });
});

describe("every page", () => {
  const pages = () => [
    "/runs",
    runPath,
    `${runPath}?tab=answers`,
    `${runPath}?tab=results`,
    `${runPath}?tab=checkpoints`,
    `${runPath}?tab=events`,
    `${runPath}?tab=settings`,
    "/runs/new",
    `/runs/new?from=${runPath.split("/").at(-1)}`,
    "/datasets",
    datasetPath,
    "/models",
    "/settings",
    "/nothing-here",
  ];

  it.each(["en", "zh-CN"] as const)("has no axe violation, in light and dark, wide: %s", async (locale) => {
    await check(locale, 1280);
  });
  it.each(["en", "zh-CN"] as const)("fits a narrow screen: %s", async (locale) => {
    await check(locale, 390);
  });

  it("speaks Chinese where the person does, what the API says included", async () => {
    const watched = await openPage(browser, stack.url, { locale: "zh-CN" }, signedIn);
    const { page: here } = watched;
    const english: string[] = [];
    const look = async (where: string) => {
      await here.waitForFunction(() => document.querySelector(".animate-pulse") === null);
      english.push(...(await englishOn(here)).map((text) => `${where}: ${text}`));
    };
    for (const path of pages()) {
      await here.goto(path);
      await here.locator("h1").first().waitFor();
      await look(path);
    }
    // Findings about the machine, each with its remedy.
    await here.goto("/settings?tab=system");
    await here.getByText("C++ 编译器").waitFor();
    await look("settings");
    // Bad lines.
    await here.goto("/datasets");
    await here.getByRole("button", { name: "上传数据" }).click();
    await here.locator("input[type=file]").setInputFiles(stack.files.withBadLines);
    await here.getByText("第 4 行", { exact: true }).waitFor();
    await here.getByText("该行是列表").waitFor();
    await look("bad lines");
    // A plan that is refused, and a rule over several fields that is broken.
    await here.goto(`/runs/new?from=${runPath.split("/").at(-1)}`);
    await here.getByText("批次与内存", { exact: true }).click();
    await here.getByLabel("内存上限").fill("0.001");
    await here
      .getByText(/任务需要 .* 内存/)
      .first()
      .waitFor();
    await look("a plan that does not fit");
    await here.getByLabel("每次计算的 token 数", { exact: true }).fill("16");
    await here
      .getByText(/放不下一条长/)
      .first()
      .waitFor();
    await look("a broken rule");
    await watched.context.close();
    expect(english).toEqual([]);
    expect(watched.faults).toEqual([]);
  });

  async function check(locale: "en" | "zh-CN", width: number): Promise<void> {
    const watched = await openPage(browser, stack.url, { locale, width }, signedIn);
    const wrong: string[] = [];
    for (const path of pages()) {
      await watched.page.goto(path);
      await watched.page.locator("h1").first().waitFor();
      // What is still on its way has skeletons with role=status; a page is judged as people read it.
      await watched.page.waitForFunction(() => document.querySelector(".animate-pulse") === null);
      expect(await watched.page.locator("html").getAttribute("lang")).toBe(locale);
      if (width < 500) {
        const pixels = await sideways(watched.page);
        if (pixels > 0) wrong.push(`${path}: scrolls sideways by ${pixels} px`);
        // Words differ between languages, and with them the widths; what axe looks at does not.
        if (locale === "en") wrong.push(...(await axe(watched.page)).map((line) => `${path} narrow: ${line}`));
        continue;
      }
      for (const theme of ["light", "dark"] as const) {
        await watched.page.emulateMedia({ colorScheme: theme });
        await watched.page.waitForFunction(
          (dark) => document.documentElement.classList.contains("dark") === dark,
          theme === "dark",
        );
        const found = await axe(watched.page, theme === "light" ? "all" : "colours");
        wrong.push(...found.map((line) => `${path} ${theme}: ${line}`));
      }
    }
    await watched.context.close();
    expect(wrong).toEqual([]);
    expect(watched.faults).toEqual([]);
  }

  it("the sign-in page too", async () => {
    const watched = await openPage(browser, stack.url);
    await watched.page.goto("/sign-in");
    await watched.page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await axe(watched.page)).toEqual([]);
    await watched.page.emulateMedia({ colorScheme: "dark" });
    expect(await axe(watched.page)).toEqual([]);
    expect(watched.faults).toEqual([]);
    await watched.context.close();
  });

  it("asked no other host, and no script failed", () => {
    expect(main.requests).toBeGreaterThan(50);
    expect(main.faults).toEqual([]);
  });

  it("axe and the ruler see what is wrong (negative control)", async () => {
    const watched = await openPage(browser, stack.url, { width: 390 });
    await watched.page.goto("/sign-in");
    await watched.page.getByRole("button", { name: "Sign in" }).waitFor();
    await watched.page.evaluate(() => {
      document.body.append(document.createElement("input"));
      const pale = document.createElement("p");
      pale.textContent = "pale words";
      pale.style.cssText = "color: #ccc; background: #fff; width: 900px";
      document.body.append(pale);
      const english = document.createElement("p");
      english.textContent = "Not all of this is said in Chinese.";
      document.body.append(english);
    });
    expect(await englishOn(watched.page)).toContain("Not all of this is said in Chinese.");
    const found = (await axe(watched.page)).join("\n");
    expect(found).toContain("label:");
    expect(found).toContain("color-contrast:");
    expect((await axe(watched.page, "colours")).join("\n")).toContain("color-contrast:");
    expect(await sideways(watched.page)).toBeGreaterThan(0);
    await watched.context.close();
  });

  it("the watch over requests sees one that leaves (negative control)", async () => {
    const watched = await openPage(browser, stack.url);
    await watched.page.goto("/sign-in");
    await watched.page.evaluate(() => {
      const image = new Image();
      image.src = "http://127.0.0.1:9/leaves.png";
      document.body.append(image);
    });
    await expect.poll(() => watched.faults.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await watched.context.close();
  });
});
