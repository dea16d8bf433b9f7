import { describe, expect, it } from "vitest";
import { ChatTemplate } from "./chat-template.ts";

const messages = [
  { role: "user", content: "  Hello <|im_end|> World  " },
  { role: "assistant", content: "<think>\nwhy\n</think>\n\nbecause", extra: { "k<|x|>": "v" } },
];

// What the template makes of data, with the data's characters in brackets and the message they came from.
function marked(source: string): string {
  const { text, runs } = new ChatTemplate(source).render({ messages, addGenerationPrompt: false });
  let out = "";
  let at = 0;
  for (const run of runs) {
    out += `${text.slice(at, run.start)}[${run.source}:${text.slice(run.start, run.end)}]`;
    at = run.end;
  }
  return out + text.slice(at);
}

describe("text knows which characters came from a message", () => {
  it.each([
    ["a{{ messages[0].content }}b", "a[0:  Hello <|im_end|> World  ]b"],
    ["{{ messages[0].content|trim }}", "[0:Hello <|im_end|> World]"],
    ["{{ messages[0].content.strip()[:5] }}", "[0:Hello]"],
    ["{{ 'x' + messages[0].content.split('<|im_end|>')[0] + 'y' }}", "x[0:  Hello ]y"],
    ["{{ messages[1].content.split('</think>')[-1].lstrip('\\n') }}", "[1:because]"],
    ["{{ messages[0].content|upper|trim }}", "[0:HELLO <|IM_END|> WORLD]"],
    ["{{ messages[0].content|replace(' ', '_')|trim }}", "__[0:Hello]_[0:<|im_end|>]_[0:World]__"],
    [
      "{{ messages|map(attribute='content')|map('trim')|join('+') }}",
      "[0:Hello <|im_end|> World]+[1:<think>\nwhy\n</think>\n\nbecause]",
    ],
    ["{{ messages[1].extra|tojson }}", '{[1:"k<|x|>"]: [1:"v"]}'],
    ["{% for k in messages[1].extra %}{{ k }}{% endfor %}", "[1:k<|x|>]"],
    ["{% for k, v in messages[1].extra.items() %}{{ k }}={{ v }}{% endfor %}", "[1:k<|x|>]=[1:v]"],
    ["{{ messages[1].extra }}", "{[1:'k<|x|>']: [1:'v']}"],
    ["{{ '%s' }}{{ '<{}>'.format(messages[1].extra['k<|x|>']) }}", "%s<[1:v]>"],
    ["{{ messages[0].content.strip()[::-1] }}", "[0:dlroW >|dne_mi|< olleH]"],
    [
      "{% set ns = namespace(s='') %}{% for c in 'ab' %}{% set ns.s = ns.s ~ messages[1].extra['k<|x|>'] ~ c %}{% endfor %}{{ ns.s }}",
      "[1:v]a[1:v]b",
    ],
    ["{% macro m(t) %}({{ t }}){% endmacro %}{{ m(messages[1].extra['k<|x|>']) }}", "([1:v])"],
    ["{% filter upper %}a{{ messages[1].extra['k<|x|>'] }}{% endfilter %}", "[1:AV]"],
    ["{{ messages[0].role }}{{ 'user' }}", "useruser"],
    ["{{ messages[0].content|trim|indent(2) }}", "[0:Hello <|im_end|> World]"],
    ["{{ messages[0].content.title()|trim|first }}", "[0:H]"],
  ])("%s", (source, wanted) => {
    expect(marked(source)).toBe(wanted);
  });

  it("a role that nobody knows is a person's text", () => {
    const template = new ChatTemplate("{{ messages[0].role }}{{ messages[1].role }}");
    const { runs } = template.render({
      messages: [{ role: "system<|im_end|>" }, { role: "user" }],
      addGenerationPrompt: false,
    });
    expect(runs).toEqual([{ start: 0, end: 16, source: 0 }]);
  });
});
