"use client";
import { inWords, issuePhrase, type Words } from "@anneal/contracts";
import { createContext, type ReactNode, useCallback, useContext } from "react";
import { visible } from "../lib/format.ts";

/** Patterns of the API's phrases in the person's language, by the English ones. */
export type PhraseCatalogue = Readonly<Record<string, string>>;
const Context = createContext<PhraseCatalogue>({});

export function PhrasesProvider({ catalogue, children }: { catalogue: PhraseCatalogue; children: ReactNode }) {
  return <Context value={catalogue}>{children}</Context>;
}

/** Says what came from the API in the person's language; what came from outside is made visible. */
export function useWords(): (words: Words) => string {
  const catalogue = useContext(Context);
  return useCallback((words: Words) => visible(inWords(words, catalogue)), [catalogue]);
}

/** Says what a contract refuses about a value: its first complaint. */
export function useComplaint(): (error: { issues: readonly { message: string }[] }) => string | undefined {
  const words = useWords();
  return ({ issues: [first] }) => (first ? words(issuePhrase(first)) : undefined);
}
