// ./anneal test --since REF: which suites a change can touch, and which files of the suites that vitest runs.

/** What a program's test starts by its path, where no import shows it. */
const started: readonly { from: RegExp; to: RegExp }[] = [
  // Bundles of the worker and its trainer.
  {
    from: /^tests\/(support\/(worker-bundle|worker-lab|bundle-program|killed-run|text-thread)|e2e\/|chaos\/)/,
    to: /^apps\/worker\/src\/.*main\.ts$/,
  },
  { from: /^tests\/support\/text-thread\.ts$/, to: /^packages\/text\/src\/thread\/main\.ts$/ },
  // The console's server, its pages and its programs; the command line.
  {
    from: /^tests\/(integration\/server\/support\.ts|e2e\/)/,
    to: /^apps\/web\/(app|server|features|components|lib|messages)\//,
  },
  { from: /^tests\/(integration\/server\/(cli|packed-sdk)\.test\.ts|e2e\/)/, to: /^packages\/sdk\/src\// },
  { from: /^tests\/integration\/launcher-node\.test\.ts$/, to: /^(anneal|scripts\/node[.-].*)$/ },
  // The addon, and what migrations make of a database.
  { from: /^packages\/engine\/src\/native\.ts$/, to: /^packages\/engine\/native\// },
  { from: /^packages\/db\/src\//, to: /^drizzle\// },
  // Catalogues and sources that a test reads as text.
  { from: /^apps\/web\/messages\/.*\.test\.ts$/, to: /^(apps|packages)\/.*\.tsx?$|^apps\/web\/messages\// },
  { from: /^packages\/engine\/src\/include-ladder\.test\.ts$/, to: /^packages\/engine\/native\// },
];

/** A change here can touch everything. */
const everything =
  /^(package(-lock)?\.json|vitest\.config\.ts|tsconfig\.base\.json|turbo\.json|tests\/run\.ts|scripts\/bundle\.mjs|\.ci\/.*)$/;

/** Suites that are no files of vitest, and what they look at. */
const suitesOf: Record<string, RegExp> = {
  lint: /./,
  types: /\.(ts|tsx)$|tsconfig.*\.json$/,
  parity: /^(packages\/(engine|text)\/|tests\/(parity|fixtures)\/)/,
  native: /^packages\/engine\/(native|scripts)\//,
  fuzz: /^(packages\/engine\/(native|scripts)\/|tests\/fuzz\/)/,
  chaos: /^(apps\/worker\/|packages\/(contracts|services|db|engine|text|data|store)\/|drizzle\/|tests\/chaos\/)/,
};

export interface Touched {
  /** null: all of them. */
  suites: ReadonlySet<string> | null;
  tests: readonly string[];
}

/**
 * What `changed` can touch.
 * @param imports every source file of the repository, and the files that it imports
 */
export function touchedBy(changed: readonly string[], imports: ReadonlyMap<string, readonly string[]>): Touched {
  if (changed.some((file) => everything.test(file))) return { suites: null, tests: [] };
  const readers = new Map<string, string[]>();
  const add = (file: string, reader: string) => readers.set(file, [...(readers.get(file) ?? []), reader]);
  for (const [file, targets] of imports) for (const target of targets) add(target, file);

  const touched = new Set<string>();
  const waiting = [...changed];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (touched.has(file)) continue;
    touched.add(file);
    waiting.push(...(readers.get(file) ?? []));
    const at = file;
    for (const { from, to } of started)
      if (to.test(at)) for (const reader of imports.keys()) if (from.test(reader)) waiting.push(reader);
    // A fixture belongs to the tests that name its folder; which those are no import says.
    if (at.startsWith("tests/fixtures/"))
      waiting.push(...[...imports.keys()].filter((name) => name.endsWith(".test.ts")));
  }
  const tests = [...touched].filter((file) => /\.test\.tsx?$/.test(file) && imports.has(file)).sort();
  const suites = new Set(Object.keys(suitesOf).filter((name) => changed.some((file) => suitesOf[name]?.test(file))));
  for (const test of tests) suites.add(suiteOf(test));
  return { suites, tests };
}

/** The suite of vitest that runs a test. */
export const suiteOf = (test: string): "unit" | "integration" | "e2e" =>
  test.startsWith("tests/integration/") ? "integration" : test.startsWith("tests/e2e/") ? "e2e" : "unit";
