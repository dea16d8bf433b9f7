// Text that is markup already. Everything else that enters `html` is escaped, so nothing can be forgotten.
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Html | string | number | null | undefined | false | readonly Part[];

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

// Controls, bidirectional overrides, zero-width and other invisible characters, and halves of surrogate pairs: they can
// hide or reorder what a reader sees, so they are shown by number. Tab, newline and the emoji selector stay.
const suspect = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const harmless = new Set(["\t", "\n", "\ufe0f"]);

const codePoint = (character: string) =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

// For attributes and SVG text, where no markup fits.
export function escapeText(text: string): string {
  return text
    .replace(suspect, (character) => (harmless.has(character) ? character : `[${codePoint(character)}]`))
    .replace(/[&<>"']/g, (character) => entities[character] ?? "");
}

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string") return escapeText(part);
  if (typeof part === "number") return String(part);
  return part.map(render).join("");
}

export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + string + (i < parts.length ? render(parts[i]) : ""), ""));
}

export function cut(text: string, maxCharacters: number): { text: string; left: number } {
  const characters = Array.from(text);
  if (characters.length <= maxCharacters) return { text, left: 0 };
  return { text: characters.slice(0, maxCharacters).join(""), left: characters.length - maxCharacters };
}

// A text of a user or a model, isolated in direction, with what is invisible marked and what is too long cut.
export function foreign(text: string, maxCharacters = 700): Html {
  const shown = cut(text, maxCharacters);
  const marked = escapeText(shown.text)
    .replace(/\[(U\+[0-9A-F]{4,6})\]/g, (match: string, code: string) =>
      // A bracketed number that the text itself holds must not look like a mark of ours.
      shown.text.includes(match) ? match : `<span class="mark" title="${code}">${code}</span>`,
    )
    .replace(/\t/g, '<span class="mark">→</span>\t');
  const rest = shown.left > 0 ? `<span class="mark">… +${shown.left}</span>` : "";
  return new Html(`<bdi class="foreign">${text === "" ? '<span class="mark">∅</span>' : marked}${rest}</bdi>`);
}
