import type { ChatMessage } from "./replies.ts";

// Our rendering of a conversation with the generation prompt; throws where the chat template refuses it.
export type RenderConversation = (messages: ChatMessage[]) => string;

export type DerivedTemplate = { template: string; roles: string[] } | { template: null; reason: string };

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

// Finds a Go template that renders as `render` does, by asking it: the text between two marked contents is a function of
// the two roles for nearly every chat template (a default system turn hangs on "start, then user"). Where it is not, or
// contents are changed on the way, the reason is told.
export function deriveGoTemplate(render: RenderConversation, options: { dropPrefix?: string } = {}): DerivedTemplate {
  const seams = new Map<string, string>();
  const learn = (conversation: Role[], required: boolean): string | null => {
    let text: string;
    try {
      text = render(conversation.map((role, i) => ({ role, content: mark(i) })));
    } catch (error) {
      return required ? `the chat template refuses ${conversation.join(", ")}: ${String(error)}` : null;
    }
    if (options.dropPrefix && text.startsWith(options.dropPrefix)) text = text.slice(options.dropPrefix.length);
    const found: [string, string][] = [];
    let at = 0;
    let from: From = "start";
    for (const [i, role] of conversation.entries()) {
      const next = text.indexOf(mark(i), at);
      if (next < 0)
        return required ? `the content of message ${i + 1} of ${conversation.join(", ")} is left out` : null;
      found.push([`${from}>${role}`, text.slice(at, next)]);
      at = next + mark(i).length;
      from = role;
    }
    const tail = text.slice(at);
    if (/[\u{e0a0}\u{e0a1}]/u.test(tail + found.map(([, seam]) => seam).join("")))
      return required ? `a content appears twice or out of order in ${conversation.join(", ")}` : null;
    found.push([`${from}>end`, tail]);
    for (const [seam, between] of found) {
      const before = seams.get(seam);
      if (before === undefined) seams.set(seam, between);
      else if (before !== between) {
        if (!required) continue;
        return `between ${seam.replace(">", " and ")} stands now ${JSON.stringify(before)}, now ${JSON.stringify(between)}`;
      }
    }
    return null;
  };
  // A template without system turns (some refuse them) is still served as it is for the rest.
  const systemWorks = learn(["system", "user"], true) === null;
  for (const probe of probes) {
    if (!systemWorks && probe.includes("system")) continue;
    const reason = learn(probe, true);
    if (reason) return { template: null, reason };
  }
  for (const probe of optionalProbes) learn(probe, false);
  return {
    template: writeTemplate(seams),
    roles: roles.filter((role) => [...seams.keys()].some((s) => s.endsWith(`>${role}`))),
  };
}

function writeTemplate(seams: Map<string, string>): string {
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
  const branches = known.map(
    (role, i) => `{{ ${i === 0 ? "if" : "else if"} eq .Role "${role}" }}${before(role)}{{ .Content }}`,
  );
  const ends = roles.flatMap((role): [string, string][] => {
    const text = seams.get(`${role}>end`);
    return text === undefined ? [] : [[`eq $from "${role}"`, text]];
  });
  return [
    "{{/* made by Anneal from the model's own chat template */}}",
    '{{ $from := "start" }}{{ range .Messages }}',
    branches.join(""),
    "{{ end }}{{ $from = .Role }}{{ end }}",
    chain(ends),
  ].join("");
}

// Template text is taken as it stands, save that no action may begin in it, or at its end, by accident.
function literal(text: string): string {
  return text.replace(/\{\{/g, '{{ "{{" }}').replace(/\{$/, '{{ "{" }}');
}
