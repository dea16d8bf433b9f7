// Jinja texts that the server knows, and the Go template that it serves instead of each text near to one. The real table
// has some forty entries; these are the ones that the model families trained here bring.
const chatmlGo =
  "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n";
const chatmlStop = ["<|im_start|>", "<|im_end|>"];
const turns =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const withDefaultSystem = (text: string): string =>
  turns.replace(
    "{% for message in messages %}",
    `{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n${text}<|im_end|>\n' }}{% endif %}`,
  );

export interface KnownTemplate {
  name: string;
  jinja: string;
  go: string;
  stop: string[];
}

const chatml = (jinja: string): KnownTemplate => ({ name: "chatml", jinja, go: chatmlGo, stop: chatmlStop });
const known: KnownTemplate[] = [
  chatml(turns),
  chatml(`{{bos_token}}${turns}`),
  chatml(withDefaultSystem("You are a helpful assistant.")),
  chatml(withDefaultSystem("You are a helpful assistant")),
  {
    name: "llama3-instruct",
    jinja:
      "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    go: "{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>\n{{- end }}<|start_header_id|>assistant<|end_header_id|>\n\n",
    stop: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
  },
];

const nearEnough = 100;

// The nearest known template, if its edit distance to the text is under 100.
export function detectTemplate(jinja: string): KnownTemplate | null {
  let best: KnownTemplate | null = null;
  let score = nearEnough;
  for (const candidate of known) {
    const distance = editDistance([...jinja], [...candidate.jinja], score);
    if (distance < score) {
      best = candidate;
      score = distance;
    }
  }
  return best;
}

function editDistance(a: string[], b: string[], limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    let lowest = i;
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const value = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      next.push(value);
      lowest = Math.min(lowest, value);
    }
    if (lowest >= limit) return limit;
    row = next;
  }
  return row[b.length] ?? limit;
}
