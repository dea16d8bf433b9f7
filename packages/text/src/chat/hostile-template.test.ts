import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import { defaultLimits } from "./budget.ts";
import { ChatTemplate } from "./chat-template.ts";

const messages = [{ role: "user", content: "hi" }];
const run = (source: string, limits = defaultLimits) =>
  new ChatTemplate(source, limits).render({ messages, addGenerationPrompt: false });

// Time of this process alone, so that a busy machine fails nothing.
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const nested = (open: string, close: string, depth: number, inner = "1") =>
  `{{ ${open.repeat(depth)}${inner}${close.repeat(depth)} }}`;

describe("a template of a stranger is stopped", () => {
  it.each([
    [
      "loops in loops",
      "{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}{% endfor %}{% endfor %}{% endfor %}",
    ],
    ["a huge range", "{{ range(10000000000)|length }}"],
    ["an endless range backwards", "{{ range(0, -10000000000, -1)|list }}"],
    ["a repeated string", "{{ 'abcdefgh' * 1000000000 }}"],
    [
      "a string that doubles",
      "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    ],
    ["a repeated list", "{{ ([1] * 100000000)|length }}"],
    [
      "a list that doubles by reference",
      "{% set ns = namespace(l=['x']) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
    ],
    [
      "its JSON",
      "{% set ns = namespace(l=['x']) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
    ],
    [
      "its comparison",
      "{% set ns = namespace(a=['x'], b=['x']) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
    ],
    [
      "a list nested by reference",
      "{% set ns = namespace(l=[]) %}{% for i in range(200000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
    ],
    [
      "replacing that explodes",
      "{% set ns = namespace(s='a') %}{% for i in range(40) %}{% set ns.s = ns.s|replace('a', 'aaaaaaaa') %}{% endfor %}",
    ],
    [
      "replacing nothing",
      "{% set ns = namespace(s='aaaa') %}{% for i in range(40) %}{% set ns.s = ns.s|replace('', ns.s) %}{% endfor %}",
    ],
    ["joining", "{% set s = 'x' * 100000 %}{{ (['y'] * 5000)|join(s) }}"],
    ["a method that joins", "{% set s = 'x' * 100000 %}{{ s.join(['y'] * 5000) }}"],
    ["a macro without end", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"],
    ["two macros without end", "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}"],
    [
      "macros that fan out",
      "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    ],
    ["wide indentation", "{{ 'a\\nb'|indent(1000000000) }}"],
    ["wide JSON", "{{ [1]|tojson(indent=1000000000) }}"],
    ["output in a loop", "{% set s = 'x' * 100000 %}{% for i in range(100000) %}{{ s }}{% endfor %}"],
    ["changing its data", "{{ messages.append(1) }}"],
  ])("%s", (_, source) => {
    const start = cpuMilliseconds();
    expect(() => run(source)).toThrow(TextError);
    expect(cpuMilliseconds() - start).toBeLessThan(15_000);
  });

  it.each([
    ["brackets", nested("(", ")", 100_000)],
    ["lists", nested("[", "]", 100_000)],
    ["not", `{{ ${"not ".repeat(100_000)}true }}`],
    ["signs", `{{ ${"- ".repeat(100_000)}1 }}`],
    ["blocks", "{% if 1 %}".repeat(50_000)],
    ["tests", `{{ ${"1 is eq(".repeat(30_000)}1${")".repeat(30_000)} }}`],
    ["tests without brackets", `{{ ${"1 is eq [".repeat(30_000)}1${"]".repeat(30_000)} }}`],
    ["a long sum", `{{ ${"1+".repeat(100_000)}1 }}`],
    ["members", `{{ a${".b".repeat(100_000)} }}`],
    ["length", " ".repeat(2_000_000)],
  ])("that is written too deep: %s", (_, source) => {
    expect(() => new ChatTemplate(source)).toThrow(TextError);
  });

  // Runs of white space are what makes careless patterns quadratic.
  it.each([
    " ".repeat(1_000_000),
    `{{ 1${" ".repeat(1_000_000)}}}`,
    "{%".padEnd(900_000),
    "{{ 'a' ".repeat(100_000),
    "{# ".repeat(300_000),
    "{% raw %}{%".repeat(90_000),
  ])("reads big sources in linear time (case %#)", (source) => {
    const start = cpuMilliseconds();
    try {
      run(source);
    } catch (error) {
      expect(error).toBeInstanceOf(TextError);
    }
    expect(cpuMilliseconds() - start).toBeLessThan(10_000);
  });

  it("runs an honest template of the same shape", () => {
    expect(run("{% for a in range(100) %}{% for b in range(100) %}{% endfor %}{% endfor %}{{ 'ab' * 3 }}").text).toBe(
      "ababab",
    );
  });

  it("without limits the same template would go on", () => {
    const source = "{% for a in range(999) %}{% for b in range(999) %}{% endfor %}{% endfor %}done";
    expect(() => run(source, { ...defaultLimits, steps: 100_000 })).toThrow("more than 100000 steps");
    expect(run(source, { ...defaultLimits, steps: 100_000_000 }).text).toBe("done");
  });
});

describe("no way out of the sandbox", () => {
  it.each([
    "{{ ''.__class__ }}",
    "{{ ''.constructor }}",
    "{{ ''['constructor'] }}",
    "{{ messages.constructor }}",
    "{{ messages['__proto__'] }}",
    "{{ {}.__proto__ }}",
    "{{ {}.hasOwnProperty }}",
    "{{ namespace().constructor }}",
    "{{ messages.push }}{{ messages.map }}{{ ''.at }}{{ messages.length }}",
    "{{ loop }}{{ self }}{{ process }}{{ globalThis }}{{ require }}{{ constructor }}{{ toString }}",
    "{% for m in messages %}{{ loop.entries }}{{ loop.constructor }}{% endfor %}",
  ])("%s prints nothing", (source) => {
    expect(run(source).text).toBe("");
  });

  it.each([
    "{{ ''.constructor.constructor('return process')() }}",
    "{{ messages|constructor }}",
    "{{ messages|__proto__ }}",
    "{{ 1 is constructor }}",
    "{{ messages|map('constructor')|list }}",
    "{{ range.constructor('x') }}",
    "{{ toString() }}",
  ])("%s is refused", (source) => {
    expect(() => run(source)).toThrow(TextError);
  });

  it("keys of foreign data named like an object's own are plain keys", () => {
    const input = JSON.parse('[{"role": "user", "content": "hi", "__proto__": "p", "constructor": "c"}]');
    const template = new ChatTemplate("{{ messages[0]['__proto__'] }}{{ messages[0].constructor }}");
    expect(template.render({ messages: input, addGenerationPrompt: false }).text).toBe("pc");
    expect(({} as Record<string, unknown>).p).toBeUndefined();
  });
});
