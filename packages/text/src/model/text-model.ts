import { ChatTemplate } from "../chat/chat-template.ts";
import { TextError } from "../text-error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { chatMl, plainTurns } from "./default-templates.ts";
import { readSource, type TextSource } from "./source.ts";

// How a model reads and writes text: its tokenizer, its chat template, and what ends an answer.
export interface TextModel {
  tokenizer: Tokenizer;
  template: ChatTemplate;
  templateSource: string; // what an export writes as tokenizer.chat_template
  templateOrigin: "model" | "chatml" | "plain"; // the model's own, or one of ours where its files have none
  specialTokens: Readonly<Record<string, string>>;
  stopTokens: readonly number[]; // end of text, end of turn
  endOfTurn: number | null; // what the template puts right after an answer
  stopStrings: readonly string[];
  bosText: string | null;
  addsBos: boolean; // the tokenizer puts BOS before a rendered chat (false where the template writes it itself)
  now: Date; // what the template's clock shows
}

export interface LoadOptions {
  now?: Date; // default: the time of loading
  template?: string; // instead of the model's own
}

// Throws TextError where the files are damaged or of a kind not known here.
export function loadTextModel(source: TextSource, options: LoadOptions = {}): TextModel {
  const parts = readSource(source);
  const { tokenizer, specialTokens } = parts;
  const own = options.template ?? parts.templateSource;
  const isChatMl = tokenizer.tokenId("<|im_start|>") !== null && tokenizer.tokenId("<|im_end|>") !== null;
  const templateSource = own ?? (isChatMl ? chatMl : plainTurns);
  const template = new ChatTemplate(templateSource);
  const { bosId, eosId } = tokenizer;
  const bosText = bosId === null ? null : tokenizer.tokenText(bosId);
  const now = options.now ?? new Date();
  const probe = probeTemplate(template, tokenizer, specialTokens, now);
  const stops = new Set(parts.endIds.filter((id) => id >= 0 && id < tokenizer.vocabularySize));
  if (eosId !== null) stops.add(eosId);
  if (probe.endOfTurn !== null) stops.add(probe.endOfTurn);
  return {
    tokenizer,
    template,
    templateSource,
    templateOrigin: own !== null ? "model" : isChatMl ? "chatml" : "plain",
    specialTokens,
    stopTokens: [...stops].sort((a, b) => a - b),
    endOfTurn: probe.endOfTurn,
    stopStrings: [],
    bosText,
    addsBos: bosId !== null && tokenizer.prefixIds.includes(bosId) && probe.firstId !== bosId,
    now,
  };
}

// What the template puts at the very beginning and right after an answer, seen on one small conversation.
function probeTemplate(
  template: ChatTemplate,
  tokenizer: Tokenizer,
  specialTokens: Readonly<Record<string, string>>,
  now: Date,
): { firstId: number | null; endOfTurn: number | null } {
  const messages = [
    { role: "user", content: "q" },
    { role: "assistant", content: "a" },
  ];
  try {
    const rendered = template.render({ messages, addGenerationPrompt: false, specialTokens, now });
    const { ids, ends } = tokenizer.encodeGuarded(rendered.text, rendered.runs);
    const answerEnd = rendered.runs.findLast((run) => run.source === 1)?.end ?? rendered.length;
    let endOfTurn: number | null = null;
    for (let i = 0; i < ids.length && endOfTurn === null; i++) {
      const start = i === 0 ? 0 : (ends[i - 1] as number);
      if (start >= answerEnd && tokenizer.isControl(ids[i] as number)) endOfTurn = ids[i] as number;
    }
    return { firstId: ids[0] ?? null, endOfTurn };
  } catch (error) {
    // A template may refuse even this; rows then say so one by one.
    if (error instanceof TextError) return { firstId: null, endOfTurn: null };
    throw error;
  }
}
