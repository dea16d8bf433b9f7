// The tree of a Go text/template, as far as chat templates use the language.
export type Arg =
  | { kind: "dot" }
  | { kind: "nil" }
  | { kind: "bool"; value: boolean }
  | { kind: "number"; value: number }
  | { kind: "string"; value: string }
  | { kind: "function"; name: string }
  | { kind: "field"; path: string[] }
  | { kind: "variable"; name: string; path: string[] }
  | { kind: "chain"; from: Arg; path: string[] }
  | { kind: "pipe"; pipe: Pipe };

export type Command = Arg[];
export interface Pipe {
  declares: string[];
  assigns: boolean; // `=` in place of `:=`
  commands: Command[];
}

export type Node =
  | { kind: "text"; text: string }
  | { kind: "action"; pipe: Pipe }
  | { kind: "if" | "range" | "with"; pipe: Pipe; list: Node[]; otherwise: Node[] | null }
  | { kind: "break" | "continue" }
  | { kind: "template"; name: string; pipe: Pipe | null };

export class TemplateError extends Error {}
