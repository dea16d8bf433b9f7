// The first administrator, and who may come in after.
import { describe, expect, it } from "vitest";
import { openPage } from "../support/browser-session.ts";
import type { Road } from "./road.ts";

const password = "correct horse battery staple";
const email = "ada@example.org";

export function signingIn(road: Road): void {
  describe("signing in", () => {
    it("makes the first administrator by the one-time link", async () => {
      expect(road.stack.anneal.setupLink).toContain("/setup?token=");
      await road.page.goto(road.stack.anneal.setupLink ?? "");
      await road.page.getByLabel("Your name").fill("Ada");
      await road.page.getByLabel("E-mail").fill(email);
      await road.page.getByLabel("Password", { exact: true }).fill(password);
      await road.page.getByLabel("Repeat the password").fill(password);
      await road.page.getByRole("button", { name: "Create and sign in" }).click();
      await road.page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
    });

    it("the link works once", async () => {
      const other = await openPage(road.browser, road.stack.url);
      const again = await other.page.request.post("/api/setup", {
        headers: { origin: road.stack.url },
        data: {
          token: new URL(road.stack.anneal.setupLink ?? "").searchParams.get("token"),
          name: "Eve",
          email: "eve@example.org",
          password,
        },
      });
      expect(again.ok()).toBe(false);
      await other.context.close();
    });

    it("signs out and in; a wrong password is refused", async () => {
      await road.page.getByRole("button", { name: "Account" }).click();
      await road.page.getByRole("menuitem", { name: "Sign out" }).click();
      await road.page.waitForURL(/\/sign-in/);
      await road.page.goto("/runs");
      await road.page.waitForURL(/\/sign-in/);
      await road.page.getByLabel("E-mail").fill(email);
      await road.page.getByLabel("Password").fill("not this one at all");
      await road.page.getByRole("button", { name: "Sign in" }).click();
      await road.page.getByText("Wrong e-mail or password").waitFor();
      await road.page.getByLabel("Password").fill(password);
      await road.page.getByRole("button", { name: "Sign in" }).click();
      await road.page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
      road.signedIn = await road.main.context.storageState();
    });
  });
}
