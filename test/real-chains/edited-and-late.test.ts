// Releases that edit what others shipped, or come with what others lack: what `inspect` says of it, and who breaks.
import { describe, expect, test } from "vitest";
import type { Tree } from "../repository.ts";
import { onStage } from "../stage.ts";
import { paths, tagged } from "./tagged.ts";
import { hopped, noted } from "./walking.ts";

const stage = onStage();
const users = "create table users (id int primary key, name text);\n";
const orders = "create table orders (id int primary key, who int references users);\n";
const first = "insert into users values (1, 'Ada');\n";

describe("edited after it was shipped", () => {
  const many = (name: (n: number) => string, sql: (n: number) => string): Tree => ({
    [`db/${name(0)}.sql`]: users,
    ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`db/${name(i + 1)}.sql`, sql(i + 1)])),
  });
  const written = (n: number) => `insert into users (id, name) values (${n}, 'Ada'); -- number ${n}\n`;
  const formatted = (n: number) => `INSERT INTO users (id, name)\nVALUES\n    (${n},   'Ada');\n`;
  const edited = (n: number) => (n === 7 ? formatted(n).replace("Ada", "Zoë") : formatted(n));

  test("in their hundreds for formatting alone, the one that was changed among them stands out", async () => {
    const name = (n: number) => `${n}_row`;
    const { chain, findings, inspection } = await tagged({ "v1.0": many(name, written), "v1.1": many(name, edited) });
    expect(inspection.releases.map(({ added }) => added)).toEqual([201, 0]);
    expect(findings.length).toBe(200);
    const told = findings.filter((finding) => !("harmless" in finding && finding.harmless));
    expect(told.map(({ code, migration }) => `${code} ${migration}`)).toEqual(["migration-edited 7_row"]);
    const [upgrade] = await hopped(stage(), chain, ["v1.0 → v1.1"]);
    expect(upgrade?.verdict.outcome).toBe("clean");
    expect(upgrade && new Set(noted(upgrade)).size).toBe(200);
  });

  test("is refused by a tool that keeps checksums, formatting or not", async () => {
    const name = (n: number) => `V${n}__row`;
    const { chain } = await tagged({ "v1.0": many(name, written), "v1.1": many(name, formatted) });
    const [upgrade] = await hopped(stage(), chain, ["v1.0 → v1.1"]);
    expect(upgrade?.verdict.findings).toMatchObject([
      { code: "migration-failed", migration: "V1__row", release: "v1.1" },
    ]);
  });
});

describe("merged late with an older number", () => {
  const index = "create index who on orders (who);\n";
  const plain = (n: number, of: string) => `db/${n}_${of}.sql`;
  const flyways = (n: number, of: string) => `db/V${n}__${of}.sql`;
  const golangs = (n: number, of: string) => `db/${n}_${of}.up.sql`;
  const tags = (name: typeof plain) => ({
    "v1.0": { [name(1, "users")]: users, [name(3, "notes")]: "create table notes (id int);\n" },
    "v1.1": {
      [name(1, "users")]: users,
      [name(2, "orders")]: orders,
      [name(3, "notes")]: "create table notes (id int);\n",
    },
    "v1.2": {
      [name(1, "users")]: users,
      [name(2, "orders")]: orders,
      [name(3, "notes")]: "create table notes (id int);\n",
      [name(4, "index")]: index,
    },
  });

  test("it is run out of its order, refused, or passed over, as its tool does", async () => {
    const all = ["v1.0 → v1.1 → v1.2", "v1.0 → v1.2", "v1.2"] as const;
    const outcomes = async (name: typeof plain) => {
      const { chain, said } = await tagged(tags(name));
      expect(said[0]).toBe(`migration-late v1.1 ${name(2, "orders").replace(/^db\/|(\.up)?\.sql$/g, "")}`);
      return paths(stage(), chain, ...all);
    };
    const fresh = { told: ["clean"], notes: [] };
    const late = { told: ["clean"], notes: ["migration-late 2_orders"] };
    expect(await outcomes(plain)).toEqual([{ ...fresh }, { ...fresh }, fresh]);
    const [refused] = await outcomes(flyways);
    expect(refused?.told).toEqual([
      "broken",
      'migration-failed V2__orders (Flyway refuses to migrate: "V2__orders" is older than what was applied before it was shipped (where the product allows that, say late: "run"))',
    ]);
    const passed = { ...late, told: ["broken", "migration-failed 4_index 42P01 at v1.2:db/4_index.up.sql:1"] };
    expect(await outcomes(golangs)).toEqual([passed, passed, fresh]);
  });
});

test("three tags with one edit and one late merge: both are told, and who skips a release breaks", async () => {
  const up = (name: string, sql: string) => ({ [`db/${name}.up.sql`]: sql });
  const notes = up("3_notes", "create table notes (id int);\n");
  const edited = up("1_users", users.replace("name text", "name varchar(50)"));
  const { chain, said } = await tagged({
    "v1.0.0": { ...up("1_users", users), ...notes },
    "v1.1.0": { ...edited, ...notes },
    "v1.2.0": {
      ...edited,
      ...up("2_orders", orders),
      ...notes,
      ...up("4_index", "create index who on orders (who);\n"),
    },
  });
  expect(said).toEqual(["migration-edited v1.1.0 1_users", "migration-late v1.2.0 2_orders"]);
  expect(await paths(stage(), chain, "v1.0.0 → v1.2.0", "v1.2.0")).toEqual([
    {
      told: ["broken", "migration-failed 4_index 42P01 at v1.2.0:db/4_index.up.sql:1"],
      notes: ["migration-edited 1_users", "migration-late 2_orders"],
    },
    { told: ["clean"], notes: [] },
  ]);
});

describe("tags", () => {
  test("stand in semver's order with their pre-releases, whenever they were made", async () => {
    const three = { "db/1_users.sql": users, "db/2_orders.sql": orders, "db/3_rows.sql": first };
    const { chain, inspection } = await tagged({
      "v1.10.0": three,
      "v1.9.0": { "db/1_users.sql": users },
      "v1.10.0-rc.2": { "db/1_users.sql": users, "db/2_orders.sql": orders },
      "v1.10.0-rc.10": three,
      "v-next": { "db/1_users.sql": "no release" },
      vnightly: { "db/1_users.sql": "no release" },
      "v0.1.0": { "README.md": "no migrations yet" },
    });
    const names = ["v1.9.0", "v1.10.0-rc.2", "v1.10.0-rc.10", "v1.10.0"];
    expect(chain.map(({ name }) => name)).toEqual(names);
    expect(inspection.tags).toMatchObject({ noVersions: ["v-next", "vnightly"], before: ["v0.1.0"] });
    expect(await paths(stage(), chain, names.join(" → "))).toEqual([{ told: ["clean"], notes: [] }]);
  });

  test("of parallel patch lines: what was brought back to the older line makes the newer line's own late", async () => {
    const up = (name: string, sql: string) => ({ [`db/${name}.up.sql`]: sql });
    const feature = up("2_orders", orders);
    const fix = up("3_fix", "update users set name = trim(name);\n");
    const last = up("4_index", "create index who on orders (who);\n");
    const { chain, said } = await tagged({
      "v1.0.0": up("1_users", users),
      "v1.1.0": { ...up("1_users", users), ...feature },
      "v1.0.1": { ...up("1_users", users), ...fix },
      "v1.1.1": { ...up("1_users", users), ...feature, ...fix, ...last },
    });
    expect(chain.map(({ name }) => name)).toEqual(["v1.0.0", "v1.0.1", "v1.1.0", "v1.1.1"]);
    expect(said).toContain("migration-removed v1.1.0 3_fix");
    const failed = "migration-failed 4_index 42P01 at v1.1.1:db/4_index.up.sql:1";
    expect(await paths(stage(), chain, "v1.0.0 → v1.1.0 → v1.1.1", "v1.0.1 → v1.1.1", "v1.0.1 → v1.1.0")).toEqual([
      { told: ["clean"], notes: [] },
      { told: ["broken", failed], notes: ["migration-late 2_orders"] },
      {
        told: [
          "broken",
          'migration-failed 3 (golang-migrate refuses to migrate: its record stands at "3", which v1.1.0 does not ship)',
        ],
        notes: [],
      },
    ]);
  });
});
