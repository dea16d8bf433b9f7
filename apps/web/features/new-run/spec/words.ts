import { issuePhrase, type Words } from "@anneal/contracts";
import type { ParameterError } from "./parameters.ts";
import type { SpecIssue } from "./spec-form.ts";

// The shape of next-intl's t, as far as it is needed here.
export type Translate = (key: string, values?: Record<string, string | number>) => string;

const missing: Record<string, string> = {
  base: "errors.chooseBase",
  dataset: "errors.chooseDataset",
  "publish.name": "errors.publishName",
  "method.targets": "errors.targets",
  "objective.teacher": "errors.teacher",
};

/** An issue of the contract in the person's language; t is that of the namespace `spec`, words says phrases. */
export function issueWords(t: Translate, words: (words: Words) => string, { path, issue }: SpecIssue): string {
  const fixed = missing[path];
  if (fixed) return t(fixed);
  const value = (number: number | undefined) => String(number ?? "");
  switch (issue.code) {
    case "invalid_type":
      if (path === "sourceWeights") return t("errors.sourceWeights");
      return t(issue.message.includes("int") ? "errors.integer" : "errors.number");
    case "too_small":
      return t(issue.inclusive ? "errors.min" : "errors.moreThan", { value: value(issue.minimum) });
    case "too_big":
      if (issue.origin === "string") return t("errors.tooLong", { value: value(issue.maximum) });
      return t(issue.inclusive ? "errors.max" : "errors.lessThan", { value: value(issue.maximum) });
    default:
      return words(issuePhrase(issue));
  }
}

export function parameterWords(t: Translate, { cause, line }: ParameterError): string {
  const keys = { noValue: "errors.parameterNoValue", name: "errors.parameterName", twice: "errors.parameterTwice" };
  return t(keys[cause], { line });
}
