// The shapes of @huggingface/jinja's syntax tree that the interpreter walks.
export type Node =
  | { type: "Program"; body: Node[] }
  | { type: "If"; test: Node; body: Node[]; alternate: Node[] }
  | { type: "For"; loopvar: Node; iterable: Node; body: Node[]; defaultBlock: Node[] }
  | { type: "Break" | "Continue" }
  | { type: "Set"; assignee: Node; value: Node | null; body: Node[] }
  | { type: "Macro"; name: IdentifierNode; args: Node[]; body: Node[] }
  | { type: "Comment"; value: string }
  | { type: "FilterStatement"; filter: FilterNode; body: Node[] }
  | { type: "CallStatement"; call: CallNode; callerArgs: Node[] | null; body: Node[] }
  | { type: "MemberExpression"; object: Node; property: Node; computed: boolean }
  | CallNode
  | IdentifierNode
  | { type: "IntegerLiteral" | "FloatLiteral"; value: number }
  | { type: "StringLiteral"; value: string }
  | { type: "ArrayLiteral" | "TupleLiteral"; value: Node[] }
  | { type: "ObjectLiteral"; value: Map<Node, Node> }
  | { type: "BinaryExpression"; operator: { value: string }; left: Node; right: Node }
  | { type: "FilterExpression"; operand: Node; filter: FilterNode }
  | { type: "SelectExpression"; lhs: Node; test: Node }
  | { type: "TestExpression"; operand: Node; negate: boolean; test: IdentifierNode }
  | { type: "UnaryExpression"; operator: { value: string }; argument: Node }
  | { type: "SliceExpression"; start?: Node; stop?: Node; step?: Node }
  | { type: "KeywordArgumentExpression"; key: IdentifierNode; value: Node }
  | { type: "SpreadExpression" | "KeywordSpreadExpression"; argument: Node }
  | { type: "Ternary"; condition: Node; trueExpr: Node; falseExpr: Node };

export interface IdentifierNode {
  type: "Identifier";
  value: string;
}
export interface CallNode {
  type: "CallExpression";
  callee: Node;
  args: Node[];
}
export type FilterNode = IdentifierNode | CallNode;
