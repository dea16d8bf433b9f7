// Inviting somebody, who joins by the link, and putting that account out at once.
import { describe, expect, it } from "vitest";
import { axe, openPage } from "../support/browser-session.ts";
import type { Road } from "./road.ts";

const guestName = "Grace";
const guestEmail = "grace@example.org";
const password = "another horse battery staple";

export function members(road: Road): void {
  describe("members", () => {
    it("join by a link that works once, see what their role shows, and are put out at once", async () => {
      const admin = await openPage(road.browser, road.stack.url, {}, road.signedIn);
      await admin.page.goto("/settings?tab=members");
      await admin.page.getByRole("button", { name: "Invite", exact: true }).click();
      await admin.page.getByLabel("Role", { exact: true }).selectOption("viewer");
      await admin.page.getByRole("button", { name: "Make the link" }).click();
      const link = await admin.page.getByTestId("one-time-link").inputValue();
      expect(link).toMatch(/\/invitation#[\w-]{40,}$/);
      await admin.page.getByRole("button", { name: "Done" }).click();
      await admin.page.getByText("Anyone who has the link").first().waitFor();

      const guest = await openPage(road.browser, road.stack.url);
      await guest.page.goto(link);
      await guest.page.getByText("with the role Viewer").waitFor();
      expect(await axe(guest.page)).toEqual([]);
      await guest.page.getByLabel("Your name").fill(guestName);
      await guest.page.getByLabel("E-mail").fill(guestEmail);
      await guest.page.getByLabel("Password", { exact: true }).fill(password);
      await guest.page.getByLabel("Repeat the password").fill(password);
      await guest.page.getByRole("button", { name: "Create the account and join" }).click();
      await guest.page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();

      const second = await openPage(road.browser, road.stack.url);
      await second.page.goto(link);
      await second.page
        .getByText(/not valid, was used, or has expired/)
        .first()
        .waitFor();
      await second.context.close();

      await admin.page.reload();
      await admin.page.getByText(guestEmail).first().waitFor();
      expect(await admin.page.getByRole("combobox", { name: `Role of ${guestName}` }).inputValue()).toBe("viewer");
      await admin.page.getByRole("button", { name: `Disable: ${guestName}` }).click();
      await admin.page.getByRole("button", { name: "Disable", exact: true }).click();
      await admin.page.getByRole("button", { name: `Enable: ${guestName}` }).waitFor();
      await guest.page.goto("/runs");
      await guest.page.waitForURL(/\/sign-in/);
      expect([...admin.faults, ...guest.faults]).toEqual([]);
      await guest.context.close();
      await admin.context.close();
    });
  });
}
