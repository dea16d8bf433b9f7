import { GoJsonError, type Json } from "./go-json.ts";

// Fields of a request as Go declares them; the type's name is part of the server's messages.
export type FieldType =
  | { go: "string" | "bool" | "int" | "float64" | "any" }
  | { go: string; list: FieldType }
  | { go: string; map: FieldType }
  | { go: string; struct: Record<string, FieldType> }
  | { go: string; check: (value: Json) => Json };

export const goString: FieldType = { go: "string" };
export const goBool: FieldType = { go: "bool" };
export const goInt: FieldType = { go: "int" };
export const goAny: FieldType = { go: "any" };
export const goMap = (value: FieldType, name: string): FieldType => ({ go: `map[string]${name}`, map: value });
export const goList = (item: FieldType, name: string): FieldType => ({ go: `[]${name}`, list: item });

const kind = (value: Json): string =>
  Array.isArray(value) ? "array" : value === null ? "null" : typeof value === "boolean" ? "bool" : typeof value;

// Checks a decoded value against the request's struct. The first mismatch is what Go reports; unknown fields pass, and
// field names match without regard to letter case.
export function bindStruct(name: string, fields: Record<string, FieldType>, value: Json): Record<string, Json> {
  let first: GoJsonError | null = null;
  const wrong = (path: string, got: string, type: string) => {
    first ??= new GoJsonError(
      path === ""
        ? `json: cannot unmarshal ${got} into Go value of type api.${type}`
        : `json: cannot unmarshal ${got} into Go struct field ${name}.${path} of type ${type}`,
    );
  };
  const bind = (type: FieldType, item: Json, path: string): Json => {
    if (item === null) return null;
    if ("check" in type) return type.check(item);
    if ("struct" in type) {
      if (typeof item !== "object" || Array.isArray(item)) {
        wrong(path, kind(item), type.go);
        return {};
      }
      const bound: Record<string, Json> = {};
      for (const [key, entry] of Object.entries(item)) {
        const field = Object.keys(type.struct).find((known) => known.toLowerCase() === key.toLowerCase());
        const fieldType = field === undefined ? undefined : type.struct[field];
        if (field !== undefined && fieldType)
          bound[field] = bind(fieldType, entry, path === "" ? field : `${path}.${field}`);
      }
      return bound;
    }
    if ("list" in type) {
      if (Array.isArray(item)) return item.map((entry) => bind(type.list, entry, path));
      wrong(path, kind(item), type.go);
      return null;
    }
    if ("map" in type) {
      if (typeof item === "object" && !Array.isArray(item))
        return Object.fromEntries(Object.entries(item).map(([key, entry]) => [key, bind(type.map, entry, path)]));
      wrong(path, kind(item), type.go);
      return null;
    }
    if (type.go === "any") return item;
    const fits =
      (type.go === "string" && typeof item === "string") ||
      (type.go === "bool" && typeof item === "boolean") ||
      (type.go === "float64" && typeof item === "number") ||
      (type.go === "int" && typeof item === "number" && Number.isInteger(item));
    if (fits) return item;
    wrong(path, type.go === "int" && typeof item === "number" ? `number ${item}` : kind(item), type.go);
    return null;
  };
  const bound = bind({ go: name, struct: fields }, value, "");
  if (first) throw first;
  return (bound ?? {}) as Record<string, Json>;
}
