/** `all`: values and types. `types`: type-only imports. A row may always import its own folder. */
type Right = "all" | "types";
export type Row = { imports: Readonly<Record<string, Right>> | "everything" };

const core = { core: "all" } as const;
const adapter = { imports: { core: "all", lib: "all" } } as const;
const steps = { installations: "all", store: "types", lanes: "types" } as const;

/** Which part of the house may import which other part; anything else is a fault. */
export const table: Readonly<Record<string, Row>> = {
  core: { imports: {} },
  lib: { imports: core },
  mapping: { imports: core },
  store: { imports: core },
  lanes: { imports: core },
  instances: { imports: { ...core, lib: "all", store: "types" } },
  archive: { imports: { core: "all", lib: "all" } },
  installations: { imports: { ...core, lib: "all", store: "types" } },
  access: { imports: { ...core, lib: "all", installations: "types", store: "types" } },
  provider: adapter,
  connector: adapter,
  providers: { imports: { ...core, provider: "all" } },
  connectors: { imports: { ...core, connector: "all" } },
  flow: { imports: { ...core, lib: "all", mapping: "all", ...steps } },
  server: { imports: "everything" },
  routes: {
    imports: { ...core, access: "all", server: "types", lib: "all", flow: "all", manifest: "all", ...steps },
  },
  app: {
    imports: { ...core, server: "types", lib: "all", flow: "all", manifest: "all", routes: "all", ...steps },
  },
  config: { imports: { ...core, mapping: "all", manifest: "all", archive: "all", access: "all" } },
  manifest: { imports: {} },
  marketplace: { imports: { manifest: "all" } },
  main: { imports: "everything" },
  cli: { imports: "everything" },
  emulators: { imports: { ...core, cli: "all", config: "all", provider: "all", providers: "all" } },
  // It is built for browsers: what it takes from the server are the types of the API's answers.
  console: { imports: { core: "types", routes: "types" } },
  tooling: { imports: "everything" },
};

/** Rows whose folders are apart: an adapter may import itself, but not its neighbours. */
const apart: ReadonlySet<string> = new Set(["provider", "connector"]);

const places: readonly [RegExp, string][] = [
  [
    /^src\/(core|lib|mapping|store|lanes|instances|archive|installations|access|flow|routes|marketplace)\//,
    "$1",
  ],
  [/^src\/providers\/index\.ts$/, "providers"],
  [/^src\/providers\/([^/]+)\//, "provider"],
  [/^connectors\/index\.ts$/, "connectors"],
  [/^connectors\/([^/]+)\//, "connector"],
  [/^src\/(main|cli|app|manifest)\.ts$/, "$1"],
  [/^src\/(cli|config|server)\//, "$1"],
  [/^src\/demo\.ts$/, "config"],
  [/^emulators\//, "emulators"],
  [/^(test|bench|scripts)\//, "tooling"],
  [/^(vitest|console\/vite)\.config\.ts$/, "tooling"],
  [/^console\//, "console"],
];

/** The row that a file belongs to, and the folder that tells neighbours apart; undefined when it has no row. */
export function placeOf(path: string): { row: string; folder: string } | undefined {
  for (const [pattern, name] of places) {
    const match = pattern.exec(path);
    if (!match) continue;
    const row = name === "$1" ? (match[1] ?? "") : name;
    return { row, folder: apart.has(row) ? (match[1] ?? "") : row };
  }
  return undefined;
}
