import { type Phrase, say } from "@anneal/contracts";
import type { ChatMessage } from "./replies.ts";

// Our rendering of a conversation with the generation prompt; throws where the chat template refuses it.
export type RenderConversation = (messages: ChatMessage[]) => string;

export type DerivedTemplate = { template: string; roles: string[] } | { template: null; reason: Phrase };

const roles = ["system", "user", "assistant", "tool"] as const;
type Role = (typeof roles)[number];
type From = Role | "start";

// Private-use characters and no blanks: no template trims, splits or writes them itself.
const mark = (index: number) => `\u{e0a0}${index}\u{e0a1}`;

// Conversations that between them show every neighbourhood of roles that a chat can have (same-role pairs are joined by
// the server before the template sees them). Seen twice, a neighbourhood must give the same text each time.
const probes: Role[][] = [
  ["user"],
  ["system", "user"],
  ["user", "assistant", "user"],
  ["system", "user", "assistant", "user"],
  ["user", "assistant", "user", "assistant", "user"],
  ["system", "user", "assistant", "user", "assistant", "user"],
];
const optionalProbes: Role[][] = [
  ["user", "assistant"],
  ["system"],
  ["assistant"],
  ["user", "system", "user"],
  ["user", "system"],
  ["assistant", "user"],
  ["system", "assistant", "user"],
  ["user", "assistant", "system", "user"],
  ["user", "tool"],
  ["user", "assistant", "tool"],
  ["user", "assistant", "tool", "assistant", "user"],
];

// Where a template puts the system text: in its place, or (Mistral's) before the last question.
type Placing = "inPlace" | "lastQuestion";

/** The conversation in the order in which its contents are written. */
function written(conversation: readonly Role[], placing: Placing): { role: Role; index: number }[] {
  const turns = conversation.map((role, index) => ({ role, index }));
  const last = conversation.lastIndexOf("user");
  if (placing === "inPlace" || conversation[0] !== "system" || last < 0) return turns;
  return [...turns.slice(1, last), ...turns.slice(0, 1), ...turns.slice(last)];
}

// Finds a Go template that renders as `render` does, by asking it: the text between two marked contents is a function of
// the two roles for nearly every chat template (a default system turn hangs on "start, then user"). Where it is not, or
// contents are changed on the way, the reason is told.
export function deriveGoTemplate(render: RenderConversation, options: { dropPrefix?: string } = {}): DerivedTemplate {
  const plain = derive(render, "inPlace", options);
  if (plain.template !== null) return plain;
  const late = derive(render, "lastQuestion", options);
  return late.template === null ? plain : late;
}

function derive(render: RenderConversation, placing: Placing, options: { dropPrefix?: string }): DerivedTemplate {
  const seams = new Map<string, string>();
  const learn = (conversation: Role[], required: boolean): Phrase | null => {
    let text: string;
    try {
      text = render(conversation.map((role, i) => ({ role, content: mark(i) })));
    } catch (error) {
      return required ? say`the chat template refuses ${conversation.join(", ")}: ${String(error)}` : null;
    }
    if (options.dropPrefix && text.startsWith(options.dropPrefix)) text = text.slice(options.dropPrefix.length);
    const found: [string, string][] = [];
    let at = 0;
    let from: From = "start";
    for (const { role, index } of written(conversation, placing)) {
      const next = text.indexOf(mark(index), at);
      if (next < 0)
        return required ? say`the content of message ${index + 1} of ${conversation.join(", ")} is left out` : null;
      found.push([`${from}>${role}`, text.slice(at, next)]);
      at = next + mark(index).length;
      from = role;
    }
    const tail = text.slice(at);
    if (/[\u{e0a0}\u{e0a1}]/u.test(tail + found.map(([, seam]) => seam).join("")))
      return required ? say`a content appears twice or out of order in ${conversation.join(", ")}` : null;
    found.push([`${from}>end`, tail]);
    for (const [seam, between] of found) {
      const before = seams.get(seam);
      if (before === undefined) seams.set(seam, between);
      else if (before !== between) {
        if (!required) continue;
        return say`between ${seam.replace(">", " and ")} stands now ${JSON.stringify(before)}, now ${JSON.stringify(between)}`;
      }
    }
    return null;
  };
  // A template without system turns (some refuse them, some leave them out) is still served as it is for the rest.
  const systemWorks = learn(["system", "user"], true) === null;
  for (const probe of probes) {
    if (!systemWorks && probe.includes("system")) continue;
    const reason = learn(probe, true);
    if (reason) return { template: null, reason };
  }
  // Which of several system turns is moved cannot be told from here.
  for (const probe of optionalProbes) if (placing === "inPlace" || !probe.includes("system")) learn(probe, false);
  return {
    template: writeTemplate(seams, placing),
    roles: roles.filter((role) => [...seams.keys()].some((s) => s.endsWith(`>${role}`))),
  };
}

function writeTemplate(seams: Map<string, string>, placing: Placing): string {
  const chain = (cases: [condition: string, text: string][]): string => {
    const [first] = cases;
    if (!first) return "";
    if (cases.every(([, text]) => text === first[1])) return literal(first[1]);
    return `${cases.map(([condition, text], i) => `{{ ${i === 0 ? "if" : "else if"} ${condition} }}${literal(text)}`).join("")}{{ end }}`;
  };
  const before = (role: Role) =>
    chain(
      (["start", ...roles] as From[]).flatMap((from): [string, string][] => {
        const text = seams.get(`${from}>${role}`);
        return text === undefined ? [] : [[`eq $from "${from}"`, text]];
      }),
    );
  const known = roles.filter((role) => [...seams.keys()].some((seam) => seam.endsWith(`>${role}`)));
  const moved = placing === "lastQuestion" && known.includes("system");
  // The last message is the question; the server hands all system texts over as one.
  const systemFirst = moved
    ? `{{ if and $.System (eq (len (slice $.Messages $i)) 1) }}${before("system")}{{ $.System }}{{ $from = "system" }}{{ end }}`
    : "";
  // A role that the template leaves out leaves no trace: what follows it stands as if it were not there.
  const branches = known
    .filter((role) => !(moved && role === "system"))
    .map(
      (role, i) =>
        `{{ ${i === 0 ? "if" : "else if"} eq .Role "${role}" }}${role === "user" ? systemFirst : ""}${before(role)}{{ .Content }}{{ $from = .Role }}`,
    );
  const ends = roles.flatMap((role): [string, string][] => {
    const text = seams.get(`${role}>end`);
    return text === undefined ? [] : [[`eq $from "${role}"`, text]];
  });
  return [
    "{{/* made by Anneal from the model's own chat template */}}",
    `{{ $from := "start" }}{{ range ${moved ? "$i, $message := " : ""}.Messages }}`,
    branches.join(""),
    "{{ end }}{{ end }}",
    chain(ends),
  ].join("");
}

// Template text is taken as it stands, save that no action may begin in it, or at its end, by accident.
function literal(text: string): string {
  return text.replace(/\{\{/g, '{{ "{{" }}').replace(/\{$/, '{{ "{" }}');
}
