import type { Budget } from "./budget.ts";
import { itemAt } from "./sequences.ts";
import { stringMethod } from "./string-methods.ts";
import { Traced } from "./traced.ts";
import {
  areEqual,
  type Callable,
  Dict,
  found,
  Namespace,
  TemplateRefusal,
  Tuple,
  Undefined,
  type Value,
} from "./values.ts";

type Method<T> = (self: T, args: Value[], budget: Budget) => Value;

const pairs = (self: Dict): Value[] => [...self].map(([key, value]) => Tuple.from([self.keyValue(key), value]));

const dictMethods: Readonly<Record<string, Method<Dict>>> = {
  items: pairs,
  keys: (self) => [...self.keys()].map((key) => self.keyValue(key)),
  values: (self) => [...self.values()],
  get: (self, [key, fallback = null]) => {
    const value = key instanceof Traced ? self.get(key.text) : undefined;
    return value === undefined ? fallback : value;
  },
  copy: (self) => new Dict(self, self.source),
};

const listMethods: Readonly<Record<string, Method<Value[]>>> = {
  index: (self, [item], budget) => {
    const at = self.findIndex((entry) => areEqual(entry, item ?? null, budget));
    if (at < 0) throw new TemplateRefusal("index: the list holds no such item");
    return at;
  },
  count: (self, [item], budget) => self.filter((entry) => areEqual(entry, item ?? null, budget)).length,
  copy: (self) => [...self],
};

// As in transformers' sandbox, a template cannot change its data.
const changing = new Set(
  "append extend insert remove pop clear sort reverse update setdefault popitem add discard".split(" "),
);

function methodOf<T>(
  table: Readonly<Record<string, Method<T>>>,
  self: T & { length?: number; size?: number },
  name: string,
  budget: Budget,
): Callable | null {
  const method = Object.hasOwn(table, name) ? table[name] : undefined;
  if (method)
    return {
      call: (args) => {
        budget.step(self.length ?? self.size ?? 0);
        return method(self, args, budget);
      },
    };
  if (!changing.has(name)) return null;
  return {
    call: () => {
      throw new TemplateRefusal(`${name} would change data, which a template may not`);
    },
  };
}

function methods(object: Value, name: string, budget: Budget): Value {
  if (object instanceof Traced) return stringMethod(object, name, budget);
  if (Array.isArray(object)) return methodOf(listMethods, object, name, budget) ?? new Undefined(name);
  if (object instanceof Dict) return methodOf(dictMethods, object, name, budget) ?? new Undefined(name);
  return new Undefined(name);
}

// object.name: attributes before items, as Jinja looks them up.
export function attribute(object: Value, name: string, budget: Budget): Value {
  if (object instanceof Undefined) throw new TemplateRefusal(`${JSON.stringify(object.name)} is undefined`);
  if (object instanceof Namespace) return found(object.fields.get(name), name);
  const method = methods(object, name, budget);
  if (!(method instanceof Undefined)) return method;
  return object instanceof Dict ? found(object.get(name), name) : method;
}

// object[key]: items before attributes.
export function item(object: Value, key: Value, budget: Budget): Value {
  if (object instanceof Undefined) throw new TemplateRefusal(`${JSON.stringify(object.name)} is undefined`);
  const index = typeof key === "boolean" ? Number(key) : key;
  if (typeof index === "number" && (Array.isArray(object) || object instanceof Traced)) return itemAt(object, index);
  if (typeof key === "number" && object instanceof Dict && object.numbers.has(String(key)))
    return object.get(String(key)) as Value;
  if (!(key instanceof Traced)) return new Undefined(typeof key === "number" ? String(key) : "item");
  if (object instanceof Dict && object.has(key.text)) return object.get(key.text) as Value;
  if (object instanceof Namespace) return found(object.fields.get(key.text), key.text);
  return methods(object, key.text, budget);
}
