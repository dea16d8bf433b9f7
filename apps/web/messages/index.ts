import type { AbstractIntlMessages } from "next-intl";
import type { Locale } from "../lib/locale.ts";
import authEn from "./en/auth.json";
import commonEn from "./en/common.json";
import datasetsEn from "./en/datasets.json";
import membersEn from "./en/members.json";
import modelsEn from "./en/models.json";
import navEn from "./en/nav.json";
import newRunEn from "./en/newRun.json";
import paletteEn from "./en/palette.json";
import problemEn from "./en/problem.json";
import queueEn from "./en/queue.json";
import runEn from "./en/run.json";
import runsEn from "./en/runs.json";
import servedEn from "./en/served.json";
import settingsEn from "./en/settings.json";
import shortcutsEn from "./en/shortcuts.json";
import specEn from "./en/spec.json";
import authZh from "./zh-CN/auth.json";
import commonZh from "./zh-CN/common.json";
import datasetsZh from "./zh-CN/datasets.json";
import membersZh from "./zh-CN/members.json";
import modelsZh from "./zh-CN/models.json";
import navZh from "./zh-CN/nav.json";
import newRunZh from "./zh-CN/newRun.json";
import paletteZh from "./zh-CN/palette.json";
import problemZh from "./zh-CN/problem.json";
import queueZh from "./zh-CN/queue.json";
import runZh from "./zh-CN/run.json";
import runsZh from "./zh-CN/runs.json";
import servedZh from "./zh-CN/served.json";
import settingsZh from "./zh-CN/settings.json";
import shortcutsZh from "./zh-CN/shortcuts.json";
import specZh from "./zh-CN/spec.json";

// One file per namespace and language. messages.test.ts holds both languages to the same keys and arguments.
export const messages: Record<Locale, AbstractIntlMessages> = {
  en: {
    auth: authEn,
    common: commonEn,
    datasets: datasetsEn,
    members: membersEn,
    models: modelsEn,
    nav: navEn,
    newRun: newRunEn,
    palette: paletteEn,
    problem: problemEn,
    queue: queueEn,
    run: runEn,
    runs: runsEn,
    served: servedEn,
    settings: settingsEn,
    shortcuts: shortcutsEn,
    spec: specEn,
  },
  "zh-CN": {
    auth: authZh,
    common: commonZh,
    datasets: datasetsZh,
    members: membersZh,
    models: modelsZh,
    nav: navZh,
    newRun: newRunZh,
    palette: paletteZh,
    problem: problemZh,
    queue: queueZh,
    run: runZh,
    runs: runsZh,
    served: servedZh,
    settings: settingsZh,
    shortcuts: shortcutsZh,
    spec: specZh,
  },
};
