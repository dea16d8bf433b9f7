import { OllamaName } from "@anneal/contracts";

// A first suggestion: the run's name in the letters that Ollama takes.
export function suggestName(runName: string): string {
  const plain = runName
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  return OllamaName.safeParse(plain).success ? plain : "my-model";
}
