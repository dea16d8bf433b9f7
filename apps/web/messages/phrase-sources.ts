import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jsonForms } from "@anneal/contracts";
import ts from "typescript";

// Reads the source for what it says to people; for the test that holds the catalogues to it.

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packages = ["contracts", "data", "ollama", "report", "services", "store", "text"].map(
  (name) => `packages/${name}/src`,
);
const web = ["app", "components", "features", "lib", "server"].map((name) => `apps/web/${name}`);
const said = [...packages, "apps/worker/src", ...web];
// Those whose refusals reach the console; what prints to a terminal speaks English.
const refusing = [...packages, "apps/worker/src", "apps/web/server"];
const terminal = /^apps\/(worker\/src\/supervisor|web\/server\/programs)\//;

function* sources(folders: readonly string[]): Generator<ts.SourceFile> {
  for (const folder of folders)
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).sort()) {
      const path = `${folder}/${entry}`;
      if (!/\.tsx?$/.test(path) || /\.test\.tsx?$/.test(path) || terminal.test(path)) continue;
      yield ts.createSourceFile(path, readFileSync(join(root, path), "utf8"), ts.ScriptTarget.Latest, true);
    }
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

const patternOf = (template: ts.TemplateLiteral): string =>
  ts.isNoSubstitutionTemplateLiteral(template)
    ? template.text
    : template.templateSpans.reduce((text, { literal }, i) => `${text}{${i}}${literal.text}`, template.head.text);

const isText = (node: ts.Node | undefined): node is ts.StringLiteralLike | ts.TemplateExpression =>
  node !== undefined && (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node));

const zodChecks = /\.(min|max|regex|refine|email|length)$/;

/** Every pattern that a phrase can have: templates after `say`, V8's sentences, and the sentences of zod's checks in contracts and services. */
export function saidPatterns(): Set<string> {
  const patterns = new Set<string>(jsonForms);
  for (const source of sources(said)) {
    const checks = /^packages\/(contracts|services)\//.test(source.fileName);
    visit(source, (node) => {
      if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === "say") patterns.add(patternOf(node.template));
      if (!checks || !ts.isCallExpression(node) || !zodChecks.test(node.expression.getText())) return;
      for (const argument of node.arguments) {
        if (ts.isStringLiteral(argument) && /[a-z]{2}.* /.test(argument.text)) patterns.add(argument.text);
        if (ts.isObjectLiteralExpression(argument))
          for (const property of argument.properties)
            if (
              ts.isPropertyAssignment(property) &&
              property.name.getText() === "message" &&
              ts.isStringLiteral(property.initializer)
            )
              patterns.add(property.initializer.text);
      }
    });
  }
  return patterns;
}

const errors = new Set(["ServiceError", "OllamaError", "TextError"]);

/** Refusals whose sentence is a bare text, which no catalogue can hold: file and line. */
export function bareRefusals(): string[] {
  const bare: string[] = [];
  for (const source of sources(refusing))
    visit(source, (node) => {
      const texts =
        ts.isNewExpression(node) && errors.has(node.expression.getText())
          ? (node.arguments ?? []).slice(1)
          : ts.isPropertyAssignment(node) && node.name.getText() === "remedy"
            ? [node.initializer]
            : [];
      for (const text of texts) {
        const branches = ts.isConditionalExpression(text) ? [text.whenTrue, text.whenFalse] : [text];
        if (branches.some(isText))
          bare.push(`${source.fileName}:${source.getLineAndCharacterOfPosition(text.getStart()).line + 1}`);
      }
    });
  return bare;
}
