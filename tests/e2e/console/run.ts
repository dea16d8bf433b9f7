// A run in the console: started, watched, cancelled, gone on with, opened and published.
import { describe, expect, it } from "vitest";
import { clientOf, type Road } from "./road.ts";

export function run(road: Road): void {
  const status = () => road.page.locator("h1 [data-status]").getAttribute("data-status");
  const untilStatus = (wanted: string, milliseconds = 120_000) =>
    road.page.locator(`h1 [data-status="${wanted}"]`).waitFor({ timeout: milliseconds });

  /** The last step that the loss chart tells of, as a screen reader hears it. */
  async function lastStepOnChart(): Promise<number> {
    const words = (await road.page.locator('[data-chart] [role="img"]').first().getAttribute("aria-label")) ?? "";
    return Number(/at step ([\d,]+)/.exec(words)?.[1]?.replaceAll(",", "") ?? -1);
  }

  /** The first chart's pixels, taken at one moment: a chart may be made anew between two questions. */
  const drawn = () =>
    road.page.evaluate(() => document.querySelector<HTMLCanvasElement>("[data-chart] canvas")?.toDataURL() ?? "");

  describe("a run", () => {
    it("a double click makes one run", async () => {
      await road.page.getByRole("button", { name: "Start run" }).dblclick();
      await road.page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
      road.runPath = new URL(road.page.url()).pathname;
      expect((await clientOf(road.stack).runs.list.query({})).items).toHaveLength(1);
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
      await road.page.getByRole("button", { name: "Cancel", exact: true }).click();
      await road.page.getByRole("button", { name: "Cancel the run" }).click();
      await untilStatus("cancelled");
      const cancelledAt = await lastStepOnChart();
      expect(cancelledAt).toBeGreaterThan(0);
      await road.page.getByRole("button", { name: "Resume", exact: true }).click();
      await untilStatus("running");
      await untilStatus("succeeded", 240_000);
      expect(await status()).toBe("succeeded");
      await expect.poll(lastStepOnChart, { timeout: 30_000 }).toBeGreaterThan(cancelledAt);
    });

    it("opens the report, which needs no script and calls nobody", async () => {
      const [report] = await Promise.all([
        road.main.context.waitForEvent("page"),
        road.page.getByRole("link", { name: "Open the report" }).click(),
      ]);
      await report.waitForLoadState();
      expect(await report.locator("script").count()).toBe(0);
      expect((await report.locator("h1").first().textContent())?.length).toBeGreaterThan(3);
      await report.close();
    });

    it("is published and served under its name", async () => {
      await road.page.getByRole("tab", { name: "Results" }).click();
      await road.page.locator('[data-status="live"]').first().waitFor({ timeout: 120_000 });
      const tags = (await (await fetch(`${road.standin.url}/api/tags`)).json()) as { models: { name: string }[] };
      expect(tags.models.map(({ name }) => name)).toContain("colours-e2e:latest");
    });

    it("follows a publication asked for after its end, the way back, and what another tab asks for", async () => {
      const { page } = road;
      const stage = (state: string) => page.locator(`[data-stage="publish"][data-state="${state}"]`);
      const card = (place: number) => page.locator("[data-deployment]").nth(place).locator("[data-status]");
      const untilCard = (place: number, wanted: string) =>
        expect.poll(() => card(place).getAttribute("data-status"), { timeout: 120_000 }).toBe(wanted);
      await stage("done").waitFor();
      await page.getByRole("button", { name: "Publish", exact: true }).first().click();
      await page.getByLabel("File type").selectOption("F16");
      await page.getByRole("dialog").getByRole("button", { name: "Publish", exact: true }).click();
      await untilCard(0, "live");
      await untilCard(1, "superseded");
      await page.getByRole("button", { name: "Roll back" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
      await untilCard(0, "rolled_back");
      await untilCard(1, "live");
      const runId = road.runPath.split("/").at(-1) ?? "";
      await clientOf(road.stack).deployments.publish.mutate({ runId, name: "elsewhere-e2e", gguf: "Q8_0" });
      await page.getByText("elsewhere-e2e", { exact: true }).waitFor();
      await untilCard(0, "live");

      await page.goto("/served");
      const served = page.locator('[data-served="colours-e2e"]');
      await served.locator('[data-status="live"]').first().waitFor();
      await served.getByText(/Q8_0/).first().waitFor();
      await served.getByText("History (1)").click();
      await served.locator('[data-status="rolled_back"]').waitFor();
      await page.goto(road.runPath);
    });

    it("a copy opens with all its settings", async () => {
      await road.page.getByRole("link", { name: "Clone and edit" }).click();
      await road.page.getByRole("heading", { name: "New run" }).waitFor();
      await road.page.getByText("Learning", { exact: true }).click();
      expect(await road.page.getByLabel("Learning rate", { exact: true }).inputValue()).toBe("0.005");
      expect(await road.page.getByRole("textbox", { name: /Name in Ollama/ }).inputValue()).toBe("colours-e2e");
    });
  });
}
