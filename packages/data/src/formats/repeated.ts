import { type Message, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";

interface Parts {
  prompt: Message[];
  answers: Message[][];
}

const alike = (a: Message | undefined, b: Message | undefined) =>
  a?.role === b?.role && a?.content.trim() === b?.content.trim();
const startsWith = (list: readonly Message[], start: readonly Message[]) =>
  start.every((message, i) => alike(message, list[i]));

/** Where the question stands in an answer that is a whole conversation, with something behind it; -1: nowhere. */
function placeOf(asked: readonly Message[], answer: readonly Message[]): number {
  for (let at = 0; at + asked.length < answer.length; at++) if (startsWith(answer.slice(at), asked)) return at;
  return -1;
}

/**
 * Some sets repeat the question in front of each answer, with the system line or the turns before it: it is taken off, and
 * what stood before it belongs to the question. A conversation that asks something else is refused: serving never sends
 * two questions one after the other.
 */
export function repeated(prompt: Message[], answers: Message[][], names: readonly string[]): Parts | Refusal {
  const asked = prompt.filter(({ role }) => role !== "system");
  const system = prompt.filter(({ role }) => role === "system");
  const places = answers.map((answer) => (asked.length === 0 ? -1 : placeOf(asked, answer)));
  const odd = answers.findIndex(
    (answer, i) =>
      (places[i] as number) < 0 &&
      (answer[0]?.role === "system" || (answer[0]?.role === "user" && prompt.at(-1)?.role === "user")),
  );
  if (odd >= 0)
    return refuse(
      say`"${names[odd] ?? ""}" begins with another question than the row asks`,
      say`begin it with the same messages, or give it only the answer`,
    );
  const leads = answers.map((answer, i) => answer.slice(0, Math.max(0, places[i] as number)));
  const rest = answers.map((answer, i) => {
    const place = places[i] as number;
    return place < 0 ? answer : answer.slice(place + asked.length);
  });
  const [lead = []] = leads;
  const differ = leads.some((one) => one.length !== lead.length || !startsWith(one, lead));
  const otherSystem = lead[0]?.role === "system" && system.length > 0 && !startsWith(lead, system);
  if (differ || otherSystem)
    return refuse(
      say`what stands before the question in ${names.map((name) => `"${name}"`).join(", ")} differs`,
      say`begin each with the same messages, or give it only the answer`,
    );
  return { prompt: [...(lead[0]?.role === "system" ? [] : system), ...lead, ...asked], answers: rest };
}
