"use client";
import { type Problem, say, type Words, withoutField, wordsOf } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import type { UseFormReturn } from "react-hook-form";
import { useWords } from "../../components/phrases.tsx";
import { fieldOf, type SpecForm, type SpecResult } from "./spec/spec-form.ts";
import { issueWords, parameterWords, type Translate } from "./spec/words.ts";

interface FormState {
  form: UseFormReturn<SpecForm>;
  values: SpecForm;
  /** What is wrong at a field, in the person's language; required ones are silent until the form was sent or left. */
  errorAt: (path: string) => string | undefined;
  hasErrorBelow: (prefixes: readonly string[]) => boolean;
}
const Context = createContext<FormState | null>(null);

const required = new Set(["base", "dataset", "publish.name"]);

export function SpecFormProvider({
  form,
  values,
  result,
  problems,
  children,
}: {
  form: UseFormReturn<SpecForm>;
  values: SpecForm;
  result: SpecResult;
  problems: readonly Problem[];
  children: ReactNode;
}) {
  const t = useTranslations("spec") as Translate;
  const words = useWords();
  const { isSubmitted, touchedFields } = form.formState;
  const nameTouched = touchedFields.publish?.name === true;
  const state = useMemo<FormState>(() => {
    const errors = new Map<string, string>();
    if (!result.ok) {
      for (const issue of result.issues) {
        const quiet = required.has(issue.path) && !isSubmitted && !(issue.path === "publish.name" && nameTouched);
        if (!quiet && !errors.has(issue.path)) errors.set(issue.path, issueWords(t, words, issue));
      }
      if (result.parameterError) errors.set("publish.parameters", parameterWords(t, result.parameterError));
    }
    for (const problem of problems) {
      if (problem.field === null) continue;
      const path = fieldOf(problem.field.replace(/^spec\./, ""));
      if (!errors.has(path)) errors.set(path, problemWords(words, problem));
    }
    return {
      form,
      values,
      errorAt: (path) => errors.get(path),
      hasErrorBelow: (prefixes) =>
        [...errors.keys()].some((path) => prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}.`))),
    };
  }, [form, values, result, problems, t, words, isSubmitted, nameTouched]);
  return <Context value={state}>{children}</Context>;
}

// The ways out of too little memory are buttons in the plan; at the field the fact is enough.
function problemWords(words: (words: Words) => string, problem: Problem): string {
  const message = withoutField(wordsOf(problem, "message"), problem.field ?? "");
  const remedy = wordsOf(problem, "remedy");
  return words(remedy === null || problem.code === "DOES_NOT_FIT" ? message : say`${message}; ${remedy}`);
}

export function useSpecForm(): FormState {
  const state = useContext(Context);
  if (!state) throw new Error("useSpecForm needs a SpecFormProvider above it");
  return state;
}
