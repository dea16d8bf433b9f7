import { Id, ServiceError } from "@anneal/contracts";

/** What people call a thing by: its id, or some of its beginning; its name, or some of it. */
export interface Named {
  id: string;
  name: string;
}
export interface Kind {
  what: string; // "run"
  field?: string;
  otherwise: string; // how to see or make those there are
}

const shortest = 4; // signs of an id's beginning
const mostListed = 8;

/** The first few by name and id, so that one can be copied. */
const listed = (those: readonly Named[]): string =>
  [
    ...those.slice(0, mostListed).map(({ id, name }) => `${id} (${name})`),
    ...(those.length > mostListed ? [`${those.length - mostListed} more`] : []),
  ].join(", ");

const matches = (named: string): ((one: Named) => boolean)[] => {
  const text = named.toLowerCase();
  return [
    ({ id }) => id === text,
    ({ name }) => name === named,
    ({ id }) => text.length >= shortest && id.startsWith(text),
    ({ name }) => name.toLowerCase() === text,
    ({ name }) => name.toLowerCase().startsWith(text),
    ({ name }) => name.toLowerCase().includes(text),
  ];
};

/** The one that is meant; the nearest way of naming decides. Several are listed, and none is NOT_FOUND. */
export function choose<T extends Named>(those: readonly T[], named: string, { what, field, otherwise }: Kind): T {
  const at = field === undefined ? {} : { field };
  for (const fits of named === "" ? [] : matches(named)) {
    const found = those.filter(fits);
    const [only] = found;
    if (!only) continue;
    if (found.length === 1) return only;
    throw new ServiceError("INVALID_INPUT", `several are meant by the ${what} "${named}": ${listed(found)}`, {
      ...at,
      remedy: "name one by its whole id",
    });
  }
  const names = [...new Set(those.map(({ name }) => name))].slice(0, mostListed);
  throw new ServiceError("NOT_FOUND", `there is no ${what} "${named}"`, {
    ...at,
    remedy: names.length > 0 ? `choose one of ${names.join(", ")}; ${otherwise}` : otherwise,
  });
}

export const isId = (text: string): boolean => Id.safeParse(text).success;
