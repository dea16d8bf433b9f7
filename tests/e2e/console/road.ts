// What the suites of the console share: each goes on from where the one before came to.

import type { Browser, BrowserContext, Page } from "playwright";
import { createAnnealClient, findConnection } from "../../../packages/sdk/src/index.ts";
import type { OllamaStandin } from "../../support/ollama-standin/index.ts";
import type { Watched } from "../support/browser-session.ts";
import type { Stack } from "../support/stack.ts";

export interface Road {
  stack: Stack;
  standin: OllamaStandin;
  browser: Browser;
  main: Watched;
  /** Of `main`. */
  page: Page;
  signedIn: Awaited<ReturnType<BrowserContext["storageState"]>>;
  runPath: string;
  datasetPath: string;
  /** A dataset of preferences. */
  pairsPath: string;
}

export const connectionOf = ({ home }: Stack) => findConnection({ ANNEAL_HOME: home }, home);
export const clientOf = (stack: Stack) => createAnnealClient(connectionOf(stack));
