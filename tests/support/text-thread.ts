import { bundleProgram } from "./bundle-program.ts";

let made: Promise<string> | null = null;

/** The program of text threads as it is delivered, built once per test process from the sources of this moment. */
export function textThread(): Promise<string> {
  made ??= bundleProgram("packages/text/src/thread/main.ts");
  return made;
}
