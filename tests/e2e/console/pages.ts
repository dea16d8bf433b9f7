// What holds of every page: accessible, narrow enough, in the language of who looks, asking nobody else.
import { describe, expect, it } from "vitest";
import { axe, englishOn, openPage, sideways } from "../support/browser-session.ts";
import type { Road } from "./road.ts";

export function pages(road: Road): void {
  describe("every page", () => {
    const paths = () => [
      "/runs",
      road.runPath,
      `${road.runPath}?tab=answers`,
      `${road.runPath}?tab=results`,
      `${road.runPath}?tab=checkpoints`,
      `${road.runPath}?tab=events`,
      `${road.runPath}?tab=settings`,
      "/runs/new",
      `/runs/new?from=${road.runPath.split("/").at(-1)}`,
      "/datasets",
      road.datasetPath,
      road.pairsPath,
      "/models",
      "/served",
      "/settings",
      "/settings?tab=members",
      "/settings?tab=account",
      "/invitation",
      "/nothing-here",
    ];

    it.each(["en", "zh-CN"] as const)("has no axe violation, in light and dark, wide: %s", async (locale) => {
      await check(locale, 1280);
    });
    it.each(["en", "zh-CN"] as const)("fits a narrow screen: %s", async (locale) => {
      await check(locale, 390);
    });

    it("speaks Chinese where the person does, what the API says included", async () => {
      const watched = await openPage(road.browser, road.stack.url, { locale: "zh-CN" }, road.signedIn);
      const { page: here } = watched;
      const english: string[] = [];
      const look = async (where: string) => {
        await here.waitForFunction(() => document.querySelector(".animate-pulse") === null);
        english.push(...(await englishOn(here)).map((text) => `${where}: ${text}`));
      };
      for (const path of paths()) {
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
      await here.locator("input[type=file]").setInputFiles(road.stack.files.withBadLines);
      await here.getByText("第 4 行", { exact: true }).waitFor();
      await here
        .getByText(/该行.*列表/)
        .first()
        .waitFor();
      await look("bad lines");
      // A plan that is refused, and a rule over several fields that is broken.
      await here.goto(`/runs/new?from=${road.runPath.split("/").at(-1)}`);
      await here.getByText("批次与内存", { exact: true }).click();
      await here.getByLabel("内存上限").fill("0.001");
      await here
        .getByText(/任务需要 .* 内存/)
        .first()
        .waitFor();
      await look("a plan that does not fit");
      await here.getByLabel("每次计算的 token 数", { exact: true }).fill("16");
      await here
        .getByText(/容纳不下一条/)
        .first()
        .waitFor();
      await look("a broken rule");
      await watched.context.close();
      expect(english).toEqual([]);
      expect(watched.faults).toEqual([]);
    });

    async function check(locale: "en" | "zh-CN", width: number): Promise<void> {
      const watched = await openPage(road.browser, road.stack.url, { locale, width }, road.signedIn);
      const wrong: string[] = [];
      for (const path of paths()) {
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
      const watched = await openPage(road.browser, road.stack.url);
      await watched.page.goto("/sign-in");
      await watched.page.getByRole("button", { name: "Sign in" }).waitFor();
      expect(await axe(watched.page)).toEqual([]);
      await watched.page.emulateMedia({ colorScheme: "dark" });
      expect(await axe(watched.page)).toEqual([]);
      expect(watched.faults).toEqual([]);
      await watched.context.close();
    });

    it("asked no other host, and no script failed", () => {
      expect(road.main.requests).toBeGreaterThan(50);
      expect(road.main.faults).toEqual([]);
    });

    it("axe and the ruler see what is wrong (negative control)", async () => {
      const watched = await openPage(road.browser, road.stack.url, { width: 390 });
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
      const watched = await openPage(road.browser, road.stack.url);
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
}
