import type { GoTemplateSwitch } from "./model.ts";
import type { Runners } from "./runner/runner.ts";
import type { Store } from "./store.ts";

// What every route works on.
export interface Standin {
  store: Store;
  runners: Runners;
  version: string;
  goTemplates: GoTemplateSwitch;
  hasQuantizer: boolean;
}
