import { OllamaName } from "@anneal/contracts";
import { expect, it } from "vitest";
import { suggestName } from "./model-name.ts";

it("suggests names that Ollama takes", () => {
  expect(suggestName("Bank Intents, v2")).toBe("bank-intents-v2");
  expect(suggestName("Café")).toBe("cafe");
  expect(suggestName("银行意图")).toBe("my-model");
  expect(OllamaName.safeParse(suggestName("-- x --".repeat(40))).success).toBe(true);
});
