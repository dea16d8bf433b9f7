// The form of a new run: what it asks for, what it refuses, what it says.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { uploadDataset } from "../../../packages/sdk/src/index.ts";
import { choose, openPage } from "../support/browser-session.ts";
import { clientOf, connectionOf, type Road } from "./road.ts";

export function form(road: Road): void {
  describe("the form of a run", () => {
    it("the form asks for three things and shows the plan before it starts", async () => {
      await road.page.goto("/runs/new");
      await road.page.getByRole("button", { name: "Start run" }).click();
      await road.page.getByText("choose a base model", { exact: true }).waitFor();
      await road.page.getByText("choose a dataset", { exact: true }).waitFor();
      await choose(road.page.getByLabel("Base model"), road.stack.modelName);
      await choose(road.page.getByRole("combobox", { name: /^Dataset/ }), "600 rows");
      await road.page.getByRole("textbox", { name: /Name in Ollama/ }).fill("colours-e2e");
      await road.page.getByText("Fits", { exact: true }).waitFor();
      await road.page.getByRole("heading", { name: "Memory", exact: true }).waitFor();
      await road.page.getByText("What the model will see").waitFor();
    });

    it("what does not fit is refused, and one click on a proposal makes it fit", async () => {
      await road.page.getByText("Batches and memory", { exact: true }).click();
      const budget = road.page.getByLabel("Memory budget");
      await budget.fill("0.137");
      await road.page.getByText("Does not fit", { exact: true }).waitFor();
      expect(await road.page.getByRole("button", { name: "Start run" }).isDisabled()).toBe(true);
      await road.page
        .getByRole("alert", { name: "Any one of these makes it fit:" })
        .getByRole("button")
        .first()
        .click();
      await road.page.getByText("Fits", { exact: true }).waitFor();
      await road.page.getByRole("button", { name: /Balanced/ }).click();
      await budget.fill("");
      await road.page.getByText("Fits", { exact: true }).waitFor();
    });

    it("a dataset in which nothing is trained is refused", async () => {
      const client = clientOf(road.stack);
      const file = join(road.stack.home, "mute.jsonl");
      writeFileSync(
        file,
        Array.from({ length: 20 }, (_, i) =>
          JSON.stringify({
            messages: [
              // So long that every answer is cut off.
              { role: "user", content: `question ${i} ${"and more ".repeat(4000)}` },
              { role: "assistant", content: "answer" },
            ],
          }),
        ).join("\n"),
      );
      const inspection = await uploadDataset(connectionOf(road.stack), file);
      const mute = await client.datasets.commit.mutate({ uploadId: inspection.uploadId, name: "mute" });
      const other = await openPage(road.browser, road.stack.url, {}, road.signedIn);
      await other.page.goto(`/runs/new?dataset=${mute.versions[0]?.id}`);
      await choose(other.page.getByLabel("Base model"), road.stack.modelName);
      await other.page
        .getByText(/nothing (would be|to) train/i)
        .first()
        .waitFor();
      expect(await other.page.getByRole("button", { name: "Start run" }).isDisabled()).toBe(true);
      await other.context.close();
    });

    it("a distillation takes what a teacher said from its file, and sources their weights", async () => {
      const client = clientOf(road.stack);
      const model = (await client.models.list.query()).find(({ name }) => name === road.stack.modelName)?.ref ?? "";
      const dataset = road.datasetPath.split("/").at(-1) ?? "";
      const version = (await client.datasets.get.query({ datasetId: dataset })).versions.at(-1)?.id ?? "";
      const { id } = await client.teacherFiles.make.mutate({ name: "taught", model, dataset: version, topK: 8 });
      const made = async () => (await client.teacherFiles.get.query({ teacherFileId: id })).status;
      await expect.poll(made, { timeout: 90_000 }).toBe("ready");
      const other = await openPage(road.browser, road.stack.url, {}, road.signedIn);
      await other.page.goto(`/runs/new?dataset=${version}`);
      await choose(other.page.getByLabel("Base model"), road.stack.modelName);
      await other.page.getByText("Learning objective", { exact: true }).click();
      await other.page.getByLabel("Learns from", { exact: true }).selectOption("distill");
      await other.page.getByText("choose a teacher", { exact: false }).first().waitFor();
      const file = other.page.getByLabel("Recorded teacher outputs", { exact: true });
      await file.selectOption({ label: "taught (top 8)" });
      expect(await other.page.getByLabel("Teacher", { exact: true }).count()).toBe(0);
      await other.page.getByText("Fits", { exact: true }).waitFor();
      const weights = other.page.getByLabel("Source weights", { exact: true });
      await weights.fill("forum = 0.5");
      await other.page
        .getByText(/no row comes from forum/)
        .first()
        .waitFor();
      await weights.fill("");
      await other.page.getByText("Fits", { exact: true }).waitFor();
      await other.page.getByRole("textbox", { name: /Name in Ollama/ }).fill("taught-e2e");
      await other.page.getByRole("button", { name: "Copy as …" }).click();
      const text = (await other.page.getByRole("dialog").locator("pre").first().textContent()) ?? "";
      expect(text).toContain(id);
      await other.context.close();
    });

    it("copies as command line only what differs, and says what is wrong at its field", async () => {
      await road.page.getByText("Learning", { exact: true }).click();
      const rate = road.page.getByLabel("Learning rate", { exact: true });
      await rate.fill("5");
      await road.page.getByText("at most 1", { exact: true }).waitFor();
      await rate.fill("0.005");
      await road.page.getByLabel("Epochs").fill("40");
      await road.page.getByText("Evaluation", { exact: true }).click();
      await road.page.getByLabel("Rows per evaluation").fill("8");
      await road.page.getByLabel("Rows in the final evaluation").fill("8");
      await road.page.getByLabel("Longest answer, in tokens").fill("8");
      await road.page.getByRole("button", { name: "Copy as …" }).click();
      const dialog = road.page.getByRole("dialog");
      const text = (await dialog.locator("pre").first().textContent()) ?? "";
      expect(text).toContain("--learning-rate 0.005");
      expect(text).toContain("--publish colours-e2e");
      expect(text).not.toContain("beta1");
      await road.page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    });
  });
}
