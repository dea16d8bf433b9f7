// Data as a person brings it: damaged, in columns, and as the model will see it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { choose } from "../support/browser-session.ts";
import type { Road } from "./road.ts";

export function data(road: Road): void {
  describe("data", () => {
    it("shows bad lines by number and goes on without them only when told", async () => {
      await road.page.getByRole("link", { name: "Datasets", exact: true }).first().click();
      await road.page.locator("input[type=file]").setInputFiles(road.stack.files.withBadLines);
      await road.page.getByText("Line 4", { exact: true }).waitFor();
      await road.page.getByText("Line 8", { exact: true }).waitFor();
      const save = road.page.getByRole("button", { name: /^Save 6 rows/ });
      expect(await save.isDisabled()).toBe(true);
      await road.page.getByLabel(/Continue without these 2 lines/).check();
      await road.page.getByLabel("Name").fill("damaged colours");
      await save.click();
      await road.page.getByRole("heading", { name: "damaged colours" }).waitFor();
      await road.page.getByText("2 bad lines skipped").first().waitFor();
    });

    it("maps the columns of a CSV", async () => {
      await road.page.goto("/datasets");
      await road.page.getByRole("button", { name: "Upload data" }).click();
      await road.page.locator("input[type=file]").setInputFiles(road.stack.files.csv);
      const columns = road.page.getByRole("group", { name: "Columns" });
      await columns.getByLabel("Question").selectOption("text");
      await columns.getByLabel("System prompt for every row").fill("Name the intent.");
      await road.page.getByText("Name the intent.", { exact: true }).first().waitFor();
      await road.page.getByText("My card, it is lost").waitFor();
    });

    it("asks about fields that are not read, and saves what is chosen without another button", async () => {
      const file = join(road.stack.home, "topics.csv");
      writeFileSync(file, "id,question,answer,hint,topic\n1,Why?,So.,think,law\n2,How?,Thus.,look,tax\n");
      await road.page.goto("/datasets");
      await road.page.getByRole("button", { name: "Upload data" }).click();
      await road.page.locator("input[type=file]").setInputFiles(file);
      const save = road.page.getByRole("button", { name: /^Save 2 rows/ });
      await save.waitFor();
      expect(await save.isDisabled()).toBe(true);
      await road.page.getByLabel("What to do with the field hint").selectOption("context");
      await road.page.getByText("think Why?").first().waitFor();
      await road.page.getByLabel("What to do with the field topic").selectOption("leave");
      await road.page.getByLabel("System prompt for every row").fill("Answer the question.");
      await save.click(); // waits until the file was read with all of this
      await road.page.getByRole("heading", { name: "topics", exact: true }).waitFor();
      await road.page.getByText("Answer the question.").first().waitFor();
      await road.page.getByRole("tab", { name: "Versions" }).click();
      await road.page.getByText("topic, id").waitFor();
    });

    it("shows pairs of answers, the liked and the other", async () => {
      const file = join(road.stack.home, "pairs.jsonl");
      const pairs = Array.from({ length: 20 }, (_, i) => ({ prompt: `thing ${i}`, chosen: "red", rejected: "blue" }));
      writeFileSync(file, pairs.map((row) => JSON.stringify(row)).join("\n"));
      await road.page.goto("/datasets");
      await road.page.getByRole("button", { name: "Upload data" }).click();
      await road.page.locator("input[type=file]").setInputFiles(file);
      await road.page.getByRole("button", { name: /^Save 20 rows/ }).click();
      await road.page.getByRole("heading", { name: "pairs", exact: true }).waitFor();
      road.pairsPath = new URL(road.page.url()).pathname;
      const row = road.page.getByRole("listitem").filter({ has: road.page.getByText("rejected", { exact: true }) });
      await row.filter({ hasText: "blue" }).first().waitFor();
    });

    it("uploads the training data and shows which tokens are trained", async () => {
      await road.page.goto("/datasets");
      await road.page.getByRole("button", { name: "Upload data" }).click();
      await road.page.locator("input[type=file]").setInputFiles(road.stack.files.train);
      await road.page.getByRole("button", { name: /^Save 600 rows/ }).click();
      await road.page.getByRole("heading", { name: "colours", exact: true }).waitFor();
      road.datasetPath = new URL(road.page.url()).pathname;
      await road.page.getByLabel("Go to row").fill("587");
      await road.page.getByRole("button", { name: "Go", exact: true }).click();
      await road.page.getByText("white thing 587").or(road.page.getByText("blue thing 586")).first().waitFor();
      await road.page.getByRole("tab", { name: "Loss-mask X-ray" }).click();
      await choose(road.page.getByLabel("Base model"), road.stack.modelName);
      await road.page.getByText("Every row fits and contributes to training.").waitFor();
      const trained = road.page.locator("mark[data-trained]").first();
      expect(await trained.textContent()).toContain("red");
      expect(await trained.textContent()).toContain("<|im_end|>");
      expect(await trained.textContent()).not.toContain("thing");
    });
  });
}
