import { describe, expect, test } from "vitest";
import { z } from "zod";
import { api } from "./api.ts";
import { RunSpec } from "./spec/run-spec.ts";
import { isWellFormedText, wellFormedText } from "./text.ts";

type Def = { type: string } & Record<string, unknown>;
const defOf = (schema: z.ZodType) => schema._zod.def as unknown as Def;

/** Every string of an input, with the path to it: one that is added later is tested without anybody thinking of it. */
function* strings(schema: z.ZodType, path: string): Generator<{ path: string; schema: z.ZodType }> {
  const def = defOf(schema);
  const within = (inner: unknown, step = "") => strings(inner as z.ZodType, path + step);
  if (def.type === "string") yield { path, schema };
  else if (def.type === "object")
    for (const [name, field] of Object.entries(def.shape as Record<string, unknown>)) yield* within(field, `.${name}`);
  else if (def.type === "array") yield* within(def.element, "[]");
  else if (def.type === "record") {
    yield* within(def.keyType, "{key}");
    yield* within(def.valueType, "{}");
  } else if (def.type === "union") for (const option of def.options as unknown[]) yield* within(option);
  else if (def.type === "pipe") yield* within(def.in);
  else if (def.innerType) yield* within(def.innerType);
}
const inputs = Object.entries(api).flatMap(([group, members]) =>
  Object.entries(members).flatMap(([name, { input }]) => [...strings(input as z.ZodType, `${group}.${name}`)]),
);
const malformed = {
  "a zero character": "aa\0aaaaaa",
  "half a pair": "aaaaaa\ud800a",
  "the other half": "aaaaaaaa\udc00",
};
const beginnings = ["", "model:", "ollama:", "/", "run:"]; // what some of them must begin with
const takes = (schema: z.ZodType, text: string) => beginnings.some((first) => schema.safeParse(first + text).success);

describe("every string that a procedure takes", () => {
  test("is found", () => expect(inputs.length).toBeGreaterThan(60));
  test.each(Object.entries(malformed))("refuses %s", (_, text) => {
    expect(inputs.filter(({ schema }) => takes(schema, text)).map(({ path }) => path)).toEqual([]);
  });
  test("a plain z.string() would be found out (negative control)", () => {
    const found = [...strings(z.object({ a: z.array(z.string()).optional() }), "x")];
    expect(found.map(({ path, schema }) => [path, schema.safeParse("a\0").success])).toEqual([["x.a[]", true]]);
  });
});

test("whole characters of any plane pass", () => {
  for (const text of ["", "ä", "漢字", "😀", "👩‍👩‍👧", "\u{10ffff}", "\t\n\u0001"])
    expect([text, isWellFormedText(text), wellFormedText().safeParse(text).success]).toEqual([text, true, true]);
});

test("the refusal names the field", () => {
  const spec = { base: "/b", dataset: "01a22d63-0000-7000-8000-000000000000" };
  const publish = { name: "m" };
  const cases: [string, object][] = [
    ["samples.prompts.0", { samples: { prompts: ["a\0"] } }],
    ["publish.system", { publish: { ...publish, system: "\ud83d" } }],
    ["publish.parameters.stop", { publish: { ...publish, parameters: { stop: ["</s>\0"] } } }],
    ["name", { name: "a\0b" }],
  ];
  for (const [field, change] of cases)
    expect(RunSpec.safeParse({ ...spec, ...change }).error?.issues[0]?.path.join(".")).toMatch(new RegExp(`^${field}`));
  expect(RunSpec.safeParse({ ...spec, publish: { ...publish, system: "😀" } }).success).toBe(true);
});
