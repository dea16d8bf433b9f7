import type { Json } from "../go/go-json.ts";
import type { Arg, Node, Pipe } from "../go-template/ast.ts";
import { GoPrinted, GoStruct, type Value } from "../go-template/functions.ts";
import { type Parsed, parseTemplate } from "../go-template/parse.ts";
import { runTemplate } from "../go-template/run.ts";

export interface Message {
  role: string;
  content: string;
  thinking?: string;
  tool_calls?: Json;
  tool_name?: string;
}
export interface RenderInput {
  messages: Message[];
  tools?: Json;
  think?: boolean;
  prompt?: string;
  suffix?: string;
}

const response: Node = {
  kind: "action",
  pipe: { declares: [], assigns: false, commands: [[{ kind: "field", path: ["Response"] }]] },
};

// A model's Go template with the server's conventions about messages, old single-turn forms and endings.
export class ChatTemplate {
  readonly text: string;
  readonly fields: ReadonlySet<string>; // names that appear anywhere, in lower case
  private readonly parsed: Parsed;

  constructor(text: string) {
    this.text = text;
    this.parsed = parseTemplate(text);
    this.fields = new Set([...this.parsed.root, ...[...this.parsed.named.values()].flat()].flatMap(nodeFields));
    if (!this.fields.has("messages") && !this.fields.has("response")) this.parsed.root.push(response);
  }

  render(input: RenderInput): string {
    const { system, messages } = collate(input.messages);
    const common: [string, Value][] = [
      ["Response", ""],
      ["Think", input.think ?? false],
      ["ThinkLevel", ""],
      ["IsThinkSet", input.think !== undefined],
    ];
    if (input.prompt && input.suffix)
      return runTemplate(this.parsed, new Map([["Prompt", input.prompt], ["Suffix", input.suffix], ...common]));
    if (this.fields.has("messages")) {
      const tools = Array.isArray(input.tools) ? new GoPrinted(input.tools) : null;
      const data = new Map<string, Value>([
        ["System", system],
        ["Messages", messages.map(messageValue)],
        ["Tools", tools],
        ...common,
      ]);
      return runTemplate(this.parsed, data);
    }
    return this.renderTurns(messages, common);
  }

  // Templates of the old form know one question and one answer: they are run once for every such pair, and cut at the
  // answer the last time.
  private renderTurns(messages: Message[], common: [string, Value][]): string {
    const out: string[] = [];
    let turn = { System: "", Prompt: "", Response: "" };
    const run = (root: Node[]) => {
      out.push(runTemplate(this.parsed, new Map<string, Value>([...common, ...Object.entries(turn)]), root));
      turn = { System: "", Prompt: "", Response: "" };
    };
    for (const { role, content } of messages) {
      if (role === "system") {
        if (turn.Prompt !== "" || turn.Response !== "") run(this.parsed.root);
        turn.System = content;
      } else if (role === "user") {
        if (turn.Response !== "") run(this.parsed.root);
        turn.Prompt = content;
      } else if (role === "assistant") turn.Response = content;
    }
    run(cutAfterResponse(this.parsed.root));
    return out.join("");
  }

  // Texts around `.Thinking` inside the loop over messages, if the template knows thinking.
  get thinks(): boolean {
    return this.fields.has("messages") && this.fields.has("thinking");
  }
}

function messageValue(message: Message): Value {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  return new GoStruct("*template.templateMessage", {
    Role: message.role,
    Content: message.content,
    Thinking: message.thinking ?? "",
    Images: [],
    ToolCalls: calls.map(toolCall),
    ToolName: message.tool_name ?? "",
    ToolCallID: "",
  });
}

function toolCall(call: Json): Value {
  const inner = call !== null && typeof call === "object" && !Array.isArray(call) ? call.function : null;
  const fields = inner !== null && typeof inner === "object" && !Array.isArray(inner) ? inner : {};
  return new GoStruct("template.templateToolCall", {
    ID: "",
    Function: new GoStruct("template.templateToolCallFunction", {
      Index: 0,
      Name: typeof fields?.name === "string" ? fields.name : "",
      Arguments: new GoPrinted(fields?.arguments ?? {}),
    }),
  });
}

// Neighbours of one role become one message; every system text is also gathered.
function collate(messages: Message[]): { system: string; messages: Message[] } {
  const collated: Message[] = [];
  for (const message of messages) {
    const last = collated.at(-1);
    if (last && last.role === message.role && message.role !== "tool") last.content += `\n\n${message.content}`;
    else collated.push({ ...message });
  }
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  return { system: system.join("\n\n"), messages: collated };
}

function argFields(arg: Arg): string[] {
  if (arg.kind === "field") return arg.path;
  if (arg.kind === "variable") return [arg.name, ...arg.path];
  return [];
}

// Inside parentheses the server does not look either.
const pipeFields = (pipe: Pipe): string[] =>
  pipe.commands.flat().flatMap((arg) => argFields(arg).map((name) => name.toLowerCase()));

function nodeFields(node: Node): string[] {
  if (node.kind === "action") return pipeFields(node.pipe);
  if (node.kind === "template") return node.pipe ? pipeFields(node.pipe) : [];
  if (node.kind === "if" || node.kind === "range" || node.kind === "with")
    return [...pipeFields(node.pipe), ...node.list.flatMap(nodeFields), ...(node.otherwise ?? []).flatMap(nodeFields)];
  return [];
}

const isResponse = (arg: Arg): boolean => arg.kind === "field" && arg.path.includes("Response");

// Keeps what stands up to the first `.Response`; conditions of the blocks around it stay.
function cutAfterResponse(root: Node[]): Node[] {
  let cut = false;
  const keep = (nodes: Node[]): Node[] => {
    const kept: Node[] = [];
    for (const node of nodes) {
      if (cut) break;
      if (node.kind === "action") {
        kept.push(node);
        if (node.pipe.commands.flat().some(isResponse)) cut = true;
      } else if (node.kind === "if" || node.kind === "range" || node.kind === "with") {
        if (node.pipe.commands.flat().some(isResponse)) cut = true;
        kept.push({ ...node, list: keep(node.list), otherwise: node.otherwise && keep(node.otherwise) });
      } else kept.push(node);
    }
    return kept;
  };
  return keep(root);
}
