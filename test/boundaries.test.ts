import { matchesGlob } from "node:path";
import { describe, expect, test } from "vitest";
import { endurance, onlyLong } from "../vitest.config.ts";
import { filesOfTheHouse, packagesOfTheHouse } from "./boundaries/house.ts";
import { findFaults } from "./boundaries/rules.ts";

test("the house keeps its own rules", () => {
  const files = filesOfTheHouse();
  expect(files.size).toBeGreaterThan(10);
  expect(findFaults(files, packagesOfTheHouse())).toEqual([]);
});

test("every test with rounds has all of them in `npm run test:long`, and one without rounds runs once", () => {
  const tests = [...filesOfTheHouse()].filter(([path]) => path.endsWith(".test.ts"));
  const hasRounds = (text: string) => /from ".*\/support\/rounds\.ts"/.test(text);
  const isIn = (path: string, patterns: readonly string[]) =>
    patterns.some((pattern) => matchesGlob(path, pattern));
  const withRounds = tests.filter(([, text]) => hasRounds(text)).map(([path]) => path);
  expect(withRounds.length).toBeGreaterThan(5);
  expect(withRounds.filter((path) => !isIn(path, endurance))).toEqual([]);
  const twice = tests.filter(
    ([path, text]) => isIn(path, endurance) && !isIn(path, onlyLong) && !hasRounds(text),
  );
  expect(twice.map(([path]) => path)).toEqual([]);
});

/** Made-up sources: the target of every import exists and is empty unless it is given. */
function faultsOf(sources: Record<string, string>): string[] {
  const empty = [
    ..."core/call core/phone lib/body mapping/view store/contract lanes/contract flow/decode".split(" "),
    ..."routes/health providers/index providers/voys/index installations/states main manifest".split(" "),
  ].map((path): [string, string] => [`src/${path}.ts`, ""]);
  const others = [
    ..."connectors/index connectors/local/index emulators/audio emulators/retell/index test/a".split(" "),
  ].map((path): [string, string] => [`${path}.ts`, ""]);
  return findFaults(new Map([...empty, ...others, ...Object.entries(sources)]), {
    dependencies: ["zod", "@scope/kept"],
    devDependencies: ["vitest"],
    ofEmulators: ["soql"],
  });
}

describe("the check turns away", () => {
  test.each<[string, string, string, string]>([
    [
      "core that knows lib",
      "src/core/a.ts",
      'import { x } from "../lib/body.ts";',
      "core may not import lib",
    ],
    ["lib that knows a provider", "src/lib/a.ts", 'import "../providers/voys/index.ts";', "may not import"],
    ["mapping that knows lib", "src/mapping/a.ts", 'export * from "../lib/body.ts";', "may not import lib"],
    [
      "lanes that know the store",
      "src/lanes/a.ts",
      'import type { S } from "../store/contract.ts";',
      "store",
    ],
    ["a provider's neighbour", "src/providers/x/a.ts", 'import { y } from "../voys/index.ts";', "neighbour"],
    ["a connector's neighbour", "connectors/x/a.ts", 'import { y } from "../local/index.ts";', "neighbour"],
    [
      "a provider that knows a CRM",
      "src/providers/x/a.ts",
      'await import("../../../connectors/local/index.ts")',
      "not import",
    ],
    [
      "flow that opens the store",
      "src/flow/a.ts",
      'import { open } from "../store/contract.ts";',
      "only types",
    ],
    [
      "one value among types",
      "src/flow/a.ts",
      'import { type S, open } from "../store/contract.ts";',
      "only types",
    ],
    [
      "routes that open a lane",
      "src/routes/a.ts",
      'import * as l from "../lanes/contract.ts";',
      "only types",
    ],
    [
      "config that knows providers",
      "src/config/index.ts",
      'import { p } from "../providers/index.ts";',
      "not import",
    ],
    ["an emulator that knows a test", "emulators/a.ts", 'import "../test/a.ts";', "emulators may not import"],
    ["an emulator by its path", "test/b.ts", 'import "../emulators/audio.ts";', "@switchhook/emulators"],
    [
      "a product that imports an emulator",
      "src/lib/a.ts",
      'import "@switchhook/emulators/audio";',
      "not import",
    ],
    ["an emulator that is not there", "test/b.ts", 'import "@switchhook/emulators/x";', "does not exist"],
    [
      "an import over many lines",
      "src/core/a.ts",
      'import {\n  x,\n  y,\n} from "../lib/body.ts";',
      "not import",
    ],
    ["a type query", "src/core/a.ts", 'type B = typeof import("../lib/body.ts");', "not import"],
    ["a computed import", "src/core/a.ts", "await import(name);", "imports an expression"],
    ["a missing file", "src/core/a.ts", 'import { x } from "./nowhere.ts";', "does not exist"],
    ["a missing extension", "src/core/a.ts", 'import { x } from "./call";', "has no .ts"],
    ["a stranger's package", "src/core/a.ts", 'import x from "left-pad/sub";', "left-pad, which is not in"],
    ["a scoped stranger", "src/core/a.ts", 'import x from "@scope/other/sub";', "@scope/other, which is not"],
    ["an emulators' package elsewhere", "test/b.ts", 'import "soql";', "soql, which is not in package.json"],
    ["a dev package at run time", "src/core/a.ts", 'import { test } from "vitest";', "a dev dependency"],
    ["a file without a row", "src/stray.ts", "", "no row"],
    ["a long file", "test/a.test.ts", "\n".repeat(301), "301 lines"],
    [
      "an object that is spread where it is made",
      "src/core/a.ts",
      "f({ ...{ a, b: 1 }, c });",
      "spreads a literal",
    ],
    ["a list that is spread where it is made", "src/core/a.ts", "f(...[a, b], c);", "spreads a literal"],
    ["a variable of a module", "src/core/a.ts", "let count = 0;", "keeps state"],
    ["a cache of a module", "src/core/a.ts", "const seen = new Map<string, Set<string>>();", "keeps state"],
    ["any as a type", "src/core/a.ts", "const x: any = 1;", "uses `any`"],
    ["any in brackets", "src/core/a.ts", "f(new Map<string, any>());", "uses `any`"],
    ["any as a cast", "scripts/a.ts", "f(x as any)", "uses `any`"],
    ["a list of any", "src/core/a.ts", "type L = any[];", "uses `any`"],
    ["a default export", "src/core/a.ts", "export default 1;", "default export"],
    ["a renamed default export", "src/core/a.ts", "export { x as default };", "default export"],
    ["the environment", "src/lib/a.ts", "const x = process.env.PORT;", "only main and cli"],
    ["the environment taken apart", "src/lib/a.ts", "const { env } = process;", "only main and cli"],
    ["an exit", "connectors/x/a.ts", "process.exit(1);", "only main and cli"],
    ["a signal", "src/app.ts", 'process.once("SIGTERM", stop);', "only main and cli"],
    ["process by import", "src/flow/a.ts", 'import { env } from "node:process";', "imports process"],
  ])("%s", (_name, path, text, fault) => {
    const faults = faultsOf({ [path]: text });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(path);
    expect(faults[0]).toContain(fault);
  });

  test("a type name that is declared twice", () => {
    const faults = faultsOf({
      "src/flow/a.ts": "export type Found = { id: string };",
      "connectors/x/b.ts": "type Found<T> = T[];",
      "connectors/x/c.ts": "export interface Foundation { a: 1 }",
    });
    expect(faults).toEqual(["connectors/x/b.ts declares the type Found, as src/flow/a.ts does"]);
  });

  test("two folders that import each other, although their files do not", () => {
    const sources = {
      "src/flow/a/one.ts": 'import type { B } from "../b/one.ts";',
      "src/flow/a/two.ts": "export type A = 1;",
      "src/flow/b/one.ts": "export type B = 1;",
      "src/flow/b/two.ts": 'import type { A } from "../a/two.ts";',
    };
    expect(faultsOf(sources)).toEqual(["circle of imports: src/flow/a/ -> src/flow/b/ -> src/flow/a/"]);
  });

  test("a small file that only one of its folder imports", () => {
    const sources = {
      "src/flow/a.ts": 'import { b } from "./b.ts";\n',
      "src/flow/b.ts": "export const b = 1;\n".repeat(40),
      "src/flow/c.ts": "export const c = 1;\n".repeat(41),
      "src/flow/d.ts": 'import { c } from "./c.ts";\n',
    };
    expect(faultsOf(sources)).toEqual([
      "src/flow/b.ts has 40 lines, and only src/flow/a.ts imports it: put it there",
    ]);
    expect(faultsOf({ ...sources, "src/flow/e.ts": 'import { b } from "./b.ts";\n' })).toEqual([]);
  });

  test("a circle, also of types only, and tells it once", () => {
    const faults = faultsOf({
      "src/core/a.ts": 'import type { B } from "./b.ts";',
      "src/core/b.ts": 'import { c } from "./c.ts";',
      "src/core/c.ts": 'export { A } from "./a.ts";',
    });
    expect(faults).toEqual([
      "circle of imports: src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts",
    ]);
  });
});

describe("the check lets pass", () => {
  test.each<[string, string, string]>([
    ["types where types are granted", "src/flow/a.ts", 'import type { S } from "../store/contract.ts";'],
    ["named types", "src/flow/a.ts", 'import { type S, type T } from "../store/contract.ts";'],
    [
      "what the table grants",
      "src/flow/a.ts",
      'import { v } from "../mapping/view.ts";\nimport "../lib/body.ts";',
    ],
    ["a provider's own folder", "src/providers/voys/a.ts", 'import { x } from "./index.ts";'],
    ["a registry and its folders", "src/providers/index.ts", 'export { voys } from "./voys/index.ts";'],
    ["the roots", "src/cli/serve.ts", 'import "../store/contract.ts";\nprocess.exit(Number(process.env.X));'],
    [
      "packages, builtins and JSON",
      "src/lib/a.ts",
      'import "@scope/kept/x";\nimport "node:fs";\nimport "./a.json";',
    ],
    ["the emulators' packages", "emulators/b.ts", 'import "soql";\nimport "vitest";'],
    ["dev packages in tests", "test/a.test.ts", 'import { test } from "vitest";'],
    [
      "the workspace of the emulators",
      "test/b.ts",
      'import "@switchhook/emulators/audio";\nimport "@switchhook/emulators/retell";',
    ],
    ["words in comments", "src/core/a.ts", '// import x from "left-pad"; process.exit: any\n/* as any */'],
    ["words in strings", "src/core/a.ts", 'const s = "process.exit(1) as any";\nconst r = /["\']: any/;'],
    ["words in templates", "src/core/a.ts", "const s = `import x from 'left-pad'; process.env`;"],
    ["a table and local state", "src/core/a.ts", "const a = new Set([1]);\nf(() => {\n  let b = 1;\n});"],
    ["300 lines", "test/a.test.ts", "x\n".repeat(300)],
    ["a list that is mapped and spread", "src/core/a.ts", "f([...[a, b].map(g), ...(c ? [d] : [])]);"],
    ["a type name that a test declares too", "test/a.ts", "type Call = string;"],
  ])("%s", (_name, path, text) => {
    expect(faultsOf({ [path]: text })).toEqual([]);
  });
});
