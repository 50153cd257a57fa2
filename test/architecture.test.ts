import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAst } from "vitest/node";

const root = resolve(import.meta.dirname, "..");

/** From top to bottom; a file imports from its own layer and from those below. */
const layers = {
  voice: ["index.ts", "cli.ts", "run-stages.ts", "vitest.ts", "upgrade-sandbox.ts", "report/"],
  story: [
    ...[
      "scenario.ts",
      "refusals.ts",
      "plan.ts",
      "planned-hops.ts",
      "planned-release.ts",
      "choice.ts",
      "load.ts",
      "walk.ts",
      "rehearsal.ts",
      "start.ts",
    ],
    ...[
      ...[
        "rehearse.ts",
        "standing.ts",
        "step.ts",
        "ends.ts",
        "restart.ts",
        ...[
          "back.ts",
          "culprits.ts",
          "down-runner.ts",
          "journey.ts",
          "legs.ts",
          "losses.ts",
          "tried-back.ts",
          "up-again.ts",
        ],
        ...[
          "ending.ts",
          "onward.ts",
          "pool.ts",
          "disk.ts",
          "ride.ts",
          "rides.ts",
          "riding.ts",
          "telling.ts",
          "walk-options.ts",
        ],
        ...["end.ts", "end-rows.ts", "ends-agree.ts", "sown-tables.ts"],
        ...["inputs.ts", "remembering.ts", "state-keys.ts", "store.ts"],
        "runner.ts",
        "task.ts",
        "known.ts",
        "awaited.ts",
        "sql-runner.ts",
        "driven-runner.ts",
        "migrating.ts",
        "pending.ts",
        "releases.ts",
        "changes.ts",
        "inspect.ts",
        ...[
          "counterparts.ts",
          "downs.ts",
          "fates.ts",
          "git-chain.ts",
          "folder-chain.ts",
          "lexemes.ts",
          "needs.ts",
          "shipped-change.ts",
        ],
        ...[
          "shipped.ts",
          "signs.ts",
          ...["asked-sets.ts", "chain-refusals.ts", "path-sets.ts", "refusing.ts", "samples.ts"],
          "migrations-in.ts",
          "unprepared.ts",
          "init.ts",
          "arrival.ts",
          "standpoint.ts",
          "placing.ts",
        ],
      ],
      ...["outcomes.ts", "ways.ts", "needed-stops.ts", "harmful-stops.ts", "shards.ts", "merge.ts", "merged-ends.ts"],
      "doctor.ts",
      "time-limit.ts",
      "selection.ts",
      "judge.ts",
      "record.ts",
      "place.ts",
      "seeder.ts",
      "checks/",
      "traits/",
    ],
  ],
  world: [
    ...["reading.ts", "prints.ts", "remembered.ts", "sandbox.ts"],
    "leftovers.ts",
    "dump.ts",
    "dump-head.ts",
    "dump-archive.ts",
    "restoring.ts",
    "servers/",
    "engines/",
    "formats/",
    "tools/",
  ],
  words: [
    "chain.ts",
    "migrator.ts",
    "driver.ts",
    "snapshot.ts",
    "ledger.ts",
    "difference.ts",
    "differing.ts",
    ...["chunking.ts", "row-differences.ts", "row-meeting.ts", "row-tally.ts"],
    "shape-differences.ts",
    "things.ts",
    "verdict.ts",
    "errors.ts",
    "database.ts",
    "wish.ts",
    "megabytes.ts",
    "version.ts",
    "mark.ts",
    "command.ts",
  ],
} as const;

/** Where a dependency may be imported; behind `types:`, where its types alone may be. */
const doors: { readonly [dependency: string]: readonly string[] } = {
  pg: ["engines/"],
  mysql2: ["engines/"],
  "libpg-query": ["engines/"],
  knex: ["engines/", "types:database.ts"],
  testcontainers: ["servers/container-start.ts"],
  "@testcontainers/postgresql": ["servers/container-start.ts"],
  "@testcontainers/mysql": ["servers/container-start.ts"],
  "@testcontainers/mariadb": ["servers/container-start.ts"],
  "@faker-js/faker": ["seeder.ts"],
  vitest: ["vitest.ts"],
  commander: ["cli.ts"],
  jiti: ["load.ts", "tools/loaded.ts"],
  execa: ["formats/repository.ts", "tools/command-process.ts"],
  kysely: ["types:tools/kysely.ts"],
  umzug: ["types:tools/umzug.ts"],
  sequelize: ["types:tools/umzug.ts"],
  typeorm: ["types:tools/typeorm.ts"],
  "drizzle-orm": ["types:tools/drizzle.ts"],
  "node-pg-migrate": ["types:tools/node-pg-migrate.ts"],
  "@mikro-orm/migrations": ["types:tools/mikro-orm.ts"],
  "@mikro-orm/postgresql": ["types:tools/mikro-orm.ts"],
  "@mikro-orm/core": ["types:tools/mikro-orm.ts"],
  semver: ["formats/versions.ts"],
  "@babel/code-frame": ["report/"],
  diff: ["report/sides.ts"],
  picocolors: ["report/"],
};

const engineNames: readonly unknown[] = ["postgres", "mysql", "mariadb"];
const engineDoors = ["engines/", "servers/", "database.ts", "chain.ts"];

interface Import {
  readonly from: string;
  /** A file of the same folder as it stands there, or the name of a package. */
  readonly to: string;
  readonly own: boolean;
  readonly typesOnly: boolean;
}

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

const harness = modulesOf("harness");
const imports = harness.flatMap(importsOf).filter(({ to }) => to !== "../package.json");

describe("harness/", () => {
  test("every file has a layer", () => {
    expect(harness.map(({ file }) => file).filter((file) => layerOf(file) < 0)).toEqual([]);
  });

  test("a file imports from its own layer and from those below", () => {
    const upwards = imports.filter(({ from, to, own }) => own && layerOf(to) < layerOf(from));
    expect(upwards.map(inWords)).toEqual([]);
  });

  test("no file imports itself by way of others, types included", () => {
    expect(circles(imports.filter(({ own }) => own))).toEqual([]);
  });

  test("a dependency comes in by one door", () => {
    const besides = imports.filter(({ from, to, own, typesOnly }) => {
      if (own || to.startsWith("node:")) return false;
      const door = doors[packageOf(to)];
      return door === undefined || !door.some((where) => admits(where, from, typesOnly));
    });
    expect(besides.map(inWords)).toEqual([]);
  });

  test("only processes of their own print and exit: the command, and whoever keeps a container", () => {
    const telling = harness.flatMap(({ file, nodes }) => nodes.filter(speaks).map(() => file));
    expect(telling.filter((file) => file !== "cli.ts" && file !== "servers/container-keeper.ts")).toEqual([]);
  });

  test("only engines, servers and the words of the two ask which engine it is", () => {
    const asking = harness.flatMap(({ file, nodes }) => nodes.filter(asksForEngine).map(() => file));
    expect(asking.filter((file) => !engineDoors.some((door) => isUnder(file, door)))).toEqual([]);
  });
});

test("scenarios and seeds import the public entry and each other, as a user would", () => {
  const modules = ["scenarios", "seeds"].flatMap(modulesOf);
  const foreign = modules.flatMap(importsFromRoot).filter(({ to, own }) => {
    return own ? !/^(scenarios|seeds)\//.test(to) : to !== "migration-sandbox";
  });
  expect(foreign.map(inWords)).toEqual([]);
});

interface Module {
  readonly folder: string;
  readonly file: string;
  readonly nodes: readonly Node[];
}

function modulesOf(folder: string): readonly Module[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => {
      const source = readFileSync(join(root, folder, file), "utf8");
      return { folder, file, nodes: nodesIn(parseAst(source, { lang: "ts" })) };
    });
}

function nodesIn(value: unknown): readonly Node[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(nodesIn);
  return "type" in value ? [value as Node, ...inside] : inside;
}

/** Static and dynamic imports, imported types, what is exported from elsewhere, and `require`, however it was made. */
function importsOf({ folder, file, nodes }: Module): readonly Import[] {
  return nodes.flatMap((node): Import[] => {
    const named = specifierOf(node);
    if (named === undefined) return [];
    const own = named.startsWith(".");
    const to = own ? relative(join(root, folder), resolve(root, folder, dirname(file), named)) : named;
    return [{ from: file, to, own, typesOnly: onlyTypes(node) }];
  });
}

function importsFromRoot(module: Module): readonly Import[] {
  return importsOf({ ...module, folder: ".", file: join(module.folder, module.file) });
}

function specifierOf({ type, source, callee, arguments: given }: Node): string | undefined {
  const requires = type === "CallExpression" && isRequire(callee as Node);
  const where = requires ? (given as readonly Node[])[0] : source;
  const value = (where as Node | null | undefined)?.value;
  return typeof value === "string" && (requires || /^(Import|Export|TSImport)/.test(type)) ? value : undefined;
}

function isRequire({ type, name, callee }: Node): boolean {
  return type === "CallExpression" ? (callee as Node).name === "createRequire" : name === "require";
}

function onlyTypes({ type, importKind, exportKind, specifiers }: Node): boolean {
  if (type === "TSImportType" || importKind === "type" || exportKind === "type") return true;
  const names = (specifiers ?? []) as readonly Node[];
  return names.length > 0 && names.every((name) => name.importKind === "type" || name.exportKind === "type");
}

function layerOf(file: string): number {
  return Object.values(layers).findIndex((files) => files.some((entry) => isUnder(file, entry)));
}

function isUnder(file: string, entry: string): boolean {
  return entry.endsWith("/") ? file.startsWith(entry) : file === entry;
}

function admits(door: string, file: string, typesOnly: boolean): boolean {
  const entry = door.replace(/^types:/, "");
  return isUnder(file, entry) && (entry === door || typesOnly);
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function inWords({ from, to, typesOnly }: Import): string {
  return `${from} imports ${typesOnly ? "types of " : ""}${to}`;
}

/** `process.stdout`, `process.exit` and their like; `console` whatever is called of it. */
function speaks({ type, object, property }: Node): boolean {
  if (type !== "MemberExpression") return false;
  const [of, what] = [(object as Node).name, (property as Node).name];
  return of === "console" || (of === "process" && /^(stdout|stderr|exit|exitCode)$/.test(String(what)));
}

function asksForEngine({ type, operator, left, right, test: label }: Node): boolean {
  const isName = (node: unknown) => engineNames.includes((node as Node | null)?.value);
  if (type === "SwitchCase") return isName(label);
  return type === "BinaryExpression" && /^[!=]==?$/.test(String(operator)) && (isName(left) || isName(right));
}

/** Every circle once, told from the file that comes first in it. */
function circles(edges: readonly Import[]): readonly string[] {
  const told = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) {
      const round = way.slice(way.indexOf(file));
      const first = round.indexOf([...round].sort()[0] ?? file);
      told.add([...round.slice(first), ...round.slice(0, first), round[first]].join(" → "));
    } else if (!done.has(file)) {
      for (const { to } of edges.filter(({ from }) => from === file)) visit(to, [...way, file]);
      done.add(file);
    }
  };
  for (const { from } of edges) visit(from, []);
  return [...told];
}
