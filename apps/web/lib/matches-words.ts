/** Whether every word of a search stands in a text, in any order and whatever the capitals. */
export function matchesWords(text: string, search: string): boolean {
  const within = text.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => within.includes(word));
}
