// A browser whose every request is watched: Anneal's pages must speak to their own server and to nobody else.
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright";
import { browserExecutable, browserFlags } from "../../support/browser.ts";

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: browserExecutable(), args: browserFlags });

export interface Watched {
  context: BrowserContext;
  page: Page;
  /** Requests to other hosts, errors of scripts, refusals by the content security policy: all must stay empty. */
  faults: string[];
  requests: number;
}

export type Look = { locale?: "en" | "zh-CN"; theme?: "light" | "dark"; width?: number };

export async function openPage(
  browser: Browser,
  url: string,
  look: Look = {},
  storageState?: Awaited<ReturnType<BrowserContext["storageState"]>>,
): Promise<Watched> {
  const context = await browser.newContext({
    baseURL: url,
    locale: look.locale ?? "en",
    colorScheme: look.theme ?? "light",
    viewport: { width: look.width ?? 1280, height: 900 },
    reducedMotion: "reduce",
    ...(storageState ? { storageState } : {}),
  });
  context.setDefaultTimeout(90_000); // a deadline for a crowded machine, not a wait
  const watched: Watched = { context, page: await context.newPage(), faults: [], requests: 0 };
  const origin = new URL(url).origin;
  const watch = (page: Page) => {
    page.on("pageerror", (error) => watched.faults.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      if (
        message.type() === "error" &&
        /Content Security Policy|hydrat|_MESSAGE|FORMATTING_ERROR/i.test(message.text())
      )
        watched.faults.push(`${page.url()}: ${message.text().slice(0, 300)}`);
    });
  };
  watch(watched.page);
  context.on("page", watch);
  context.on("request", (request) => {
    watched.requests++;
    const target = new URL(request.url());
    if (target.protocol.startsWith("http") && target.origin !== origin)
      watched.faults.push(`request to another host: ${request.url()}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 500) watched.faults.push(`${response.status()} from ${response.url()}`);
  });
  return watched;
}

/** Opens a field that lists its choices to search, and takes the first that holds `text`. */
export async function choose(field: Locator, text: string): Promise<void> {
  await field.click();
  await field
    .page()
    .getByPlaceholder(/^(Type to search|输入以搜索)$/)
    .fill(text);
  await field.page().getByRole("option").filter({ hasText: text }).first().click();
}

const levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What axe finds wrong by WCAG 2.2 A and AA, each with the elements concerned; "colours": only what a theme can change. */
export async function axe(page: Page, what: "all" | "colours" = "all"): Promise<string[]> {
  // No page holds a foreign frame; without looking for them axe opens no page of its own for every answer.
  const builder = new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await (what === "all"
    ? builder.withTags(levels)
    : builder.withRules(["color-contrast", "link-in-text-block"])
  ).analyze();
  return violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help} (${nodes
        .slice(0, 3)
        .map((node) => node.target.join(" "))
        .join(" | ")})`,
  );
}

/** How many pixels the page can be scrolled sideways. */
export const sideways = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Sentences of English on the page: five plain words in a row that are neither code nor what was marked as text of a model or dataset. */
export const englishOn = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!parent || parent.closest("code, pre, mark, script, style, option, textarea, body [lang=en]")) continue;
      const text = (node.textContent ?? "").replace(/\s+/g, " ");
      if (/\b[a-z]{2,}[,;:]? (?:[a-z]+[,;:]? ){3,}[a-z]{2,}\b/.test(text)) found.push(text.trim().slice(0, 200));
    }
    return found;
  });
