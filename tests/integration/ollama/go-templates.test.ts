import { deriveGoTemplate, type RenderConversation, standardRenderCases } from "@anneal/ollama";
import { ChatTemplate } from "@anneal/text";
import { describe, expect, it } from "vitest";
import { type FamilyTemplate, familyTemplates } from "../../support/chat-templates.ts";
import { ChatTemplate as GoTemplate } from "../../support/ollama-standin/template/chat-template.ts";

// Where a server would put a template of its own in the place of the model's, the publisher sends one that it makes by asking the
// model's. For every family that is trained here: what the server then makes of a conversation is what the model was trained on.

type Messages = Parameters<RenderConversation>[0];

function jinjaOf({ jinja, bos, eos, variables }: FamilyTemplate): RenderConversation {
  const template = new ChatTemplate(jinja);
  return (messages) =>
    template.render({
      messages,
      addGenerationPrompt: true,
      specialTokens: { bos_token: bos, eos_token: eos },
      ...(variables ? { variables } : {}),
    }).text;
}

const contents = ["Hi", "我的卡被拒了 é😀", "one\n\n two", "{{ .System }} {% raw %}", "<b>&amp;</b>", "a {{", "}} b"];
const said = (turn: number, salt: number) => contents[(turn * 3 + salt) % contents.length] ?? "";

/** Conversations that end with a question, of 1 to 4 questions, with and without a system turn. */
function conversations(): Messages[] {
  const all: Messages[] = [];
  for (const system of [false, true])
    for (let questions = 1; questions <= 4; questions++)
      for (let salt = 0; salt < contents.length; salt++) {
        const turns = Array.from({ length: 2 * questions - 1 }, (_, i) => (i % 2 === 0 ? "user" : "assistant"));
        const roles = system ? ["system", ...turns] : turns;
        all.push(roles.map((role, i) => ({ role, content: said(i, salt) })));
      }
  return all;
}

const accepted = (render: RenderConversation, messages: Messages): string | null => {
  try {
    return render(messages);
  } catch {
    return null; // the model's makers refuse it: there is nothing to be like
  }
};

const derived = (family: FamilyTemplate, dropPrefix?: string) => {
  const found = deriveGoTemplate(jinjaOf(family), dropPrefix === undefined ? {} : { dropPrefix });
  if (found.template === null) throw new Error(JSON.stringify(found.reason));
  return new GoTemplate(found.template);
};

describe.each(Object.entries(familyTemplates))("the Go template of %s", (_name, family) => {
  const render = jinjaOf(family);
  it("renders what the model's own template does, conversation by conversation", () => {
    const go = derived(family);
    let compared = 0;
    for (const messages of conversations()) {
      const wanted = accepted(render, messages);
      if (wanted === null) continue;
      expect(go.render({ messages })).toBe(wanted);
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(4 * contents.length);
  });
  it("passes all that is compared before a model may be served", () => {
    const go = derived(family);
    for (const { id, messages, rendered, required } of standardRenderCases(render))
      if (required) expect({ id, rendered: go.render({ messages }) }).toEqual({ id, rendered });
  });
  it("leaves out the bos that the server's tokenizer puts", () => {
    const go = derived(family, family.bos);
    const messages = [{ role: "user", content: "Hi" }];
    const wanted = render(messages);
    expect(go.render({ messages })).toBe(wanted.startsWith(family.bos) ? wanted.slice(family.bos.length) : wanted);
  });
});

describe("the comparison", () => {
  it("tells families apart", () => {
    const names = Object.keys(familyTemplates);
    const messages = [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
      { role: "user", content: "c" },
    ];
    const texts = names.map((name) => derived(familyTemplates[name] as FamilyTemplate).render({ messages }));
    // Qwen's two differ by the generation prompt, Mistral's two by blanks, Gemma's not at all without a system turn.
    expect(new Set(texts).size).toBe(names.length - 1);
  });
});
