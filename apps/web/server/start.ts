import { announce } from "./local-client.ts";

/** What the web process does of itself at its start. */
export function start(): void {
  // Started by a supervisor: without it nobody would end this process.
  if (process.connected) process.once("disconnect", () => process.exit(0));
  void announce();
}
