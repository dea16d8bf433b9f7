import type { Names } from "@anneal/contracts";

const reference = /(?:model:|run:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/g;

/** A text with names where it holds ids, and references by them (`model:ID`, `run:ID/ADAPTER`); an unknown one stays. */
export const withNames = (text: string, names: Names): string =>
  text.replace(reference, (whole, id: string) => (Object.hasOwn(names, id) ? (names[id] ?? whole) : whole));
