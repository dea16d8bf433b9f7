import type { Random } from "../language/random.ts";
import { article, questionAndAnswer } from "./articles.ts";
import { helpChat, rewordChat, sameWishChat, type Turn, taskChat } from "./chats.ts";

/** One document of the corpus: running text or a conversation. */
export type CorpusDocument = { text: string } | { turns: Turn[] };

/** Documents without end; the same ones for the same random numbers. */
export function* documents(random: Random): Generator<CorpusDocument, never> {
  for (;;) {
    const kind = random.next();
    if (kind < 0.2) yield { text: article(random) };
    else if (kind < 0.28) yield { text: questionAndAnswer(random) };
    else if (kind < 0.52) yield { turns: helpChat(random) };
    else if (kind < 0.74) yield { turns: taskChat(random) };
    else if (kind < 0.82) yield { turns: sameWishChat(random) };
    else yield { turns: rewordChat(random) };
  }
}

/** The conversation as the base model's template renders it. */
export const renderTurns = (turns: readonly Turn[]): string =>
  turns.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("");
