import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  AnswerSide,
  ArtifactKind,
  adapterSeries,
  BaseStorage,
  DatasetFormat,
  ErrorCode,
  GgufType,
  GradientCheckpointing,
  metricCatalogue,
  metricNames,
  objectiveKinds,
  optimizerKinds,
  Precision,
  PresetName,
  Role,
  RunStage,
  RunStatus,
  scheduleKinds,
} from "@anneal/contracts";
import { createTranslator } from "next-intl";
import { describe, expect, it } from "vitest";
import { tokenPermissions } from "../features/settings/token-permissions.ts";
import { messages } from "./index.ts";

type Tree = { [key: string]: string | Tree };

function flatten(tree: Tree, prefix = ""): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") flat.set(prefix + key, value);
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text);
  }
  return flat;
}
const en = flatten(messages.en as Tree);
const zh = flatten(messages["zh-CN"] as Tree);
const argumentsOf = (text: string) =>
  [...new Set([...text.matchAll(/\{\s*(\w+)\s*(?=[,}])/g)].map((match) => match[1]))].sort();

// Literal keys in the source: const t = useTranslations("ns") ... t("key").
function usedKeys(): { file: string; key: string }[] {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const used: { file: string; key: string }[] = [];
  for (const folder of ["app", "components", "features"])
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
      if (!/\.tsx?$/.test(entry) || entry.includes(".test.")) continue;
      const source = readFileSync(join(root, folder, entry), "utf8");
      const spaces = new Map<string, Set<string>>();
      for (const [, name = "", space = ""] of source.matchAll(/const (\w+) = useTranslations\("?([\w.]*)"?\)/g))
        spaces.set(name, (spaces.get(name) ?? new Set()).add(space));
      for (const [name, candidates] of spaces)
        for (const [, key] of source.matchAll(new RegExp(`\\b${name}(?:\\.rich)?\\(\\s*"([\\w.-]+)"`, "g"))) {
          const full = [...candidates].map((space) => (space ? `${space}.${key}` : `${key}`));
          if (!full.some((candidate) => en.has(candidate))) used.push({ file: entry, key: full.join(" or ") });
        }
    }
  return used;
}

// Keys that the source makes of a value: t(`stage.${stage}`).
const members: Record<string, readonly string[]> = {
  "datasets.format": DatasetFormat.options,
  "datasets.role": Role.options,
  "datasets.side": AnswerSide.options,
  "newRun.groups.when": objectiveKinds,
  "newRun.presets": PresetName.options.flatMap((name) => [`${name}.title`, `${name}.when`]),
  "problem.code": ErrorCode.options,
  "run.artifacts.kind": ArtifactKind.options,
  "run.chart.adapters": adapterSeries,
  "run.curves.group": Object.values(metricCatalogue).map(({ group }) => group),
  "run.metric": metricNames,
  "run.publish.ggufHint": GgufType.options,
  "runs.stage": RunStage.options,
  "runs.status": RunStatus.options,
  "settings.tokens.permission": tokenPermissions,
  "spec.options.baseStorage": BaseStorage.options,
  "spec.options.gradientCheckpointing": GradientCheckpointing.options,
  "spec.options.objective": objectiveKinds,
  "spec.options.optimizer": optimizerKinds,
  "spec.options.precision": Precision.options,
  "spec.options.schedule": scheduleKinds,
};

describe("messages", () => {
  it("have the same keys in both languages", () => {
    expect([...zh.keys()].sort()).toEqual([...en.keys()].sort());
  });
  it("take the same arguments in both languages", () => {
    const differing = [...en].filter(
      ([key, text]) => argumentsOf(text).join() !== argumentsOf(zh.get(key) ?? "").join(),
    );
    expect(differing.map(([key]) => key)).toEqual([]);
  });
  it("are not empty and parse", () => {
    for (const [locale, flat] of [
      ["en", en],
      ["zh-CN", zh],
    ] as const) {
      const broken: string[] = [];
      const onError = (error: Error) => broken.push(error.message);
      const t = createTranslator({ locale, messages: messages[locale], onError }) as unknown as (
        key: string,
        values: Record<string, number>,
      ) => string;
      for (const [key, text] of flat) {
        expect(text.trim(), key).not.toBe("");
        const values = Object.fromEntries(argumentsOf(text).map((name) => [name, 1]));
        if (!/<\w+>/.test(text)) t(key, values);
      }
      expect(broken).toEqual([]);
    }
  });
  it.each(Object.entries(members))("hold a word for every member under %s", (place, names) => {
    expect(names.filter((name) => !en.has(`${place}.${name}`))).toEqual([]);
  });
  it("hold every key that the source names", () => {
    expect(usedKeys()).toEqual([]);
  });
});
