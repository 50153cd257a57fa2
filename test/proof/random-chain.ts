import type { LockRule, TransactionRule } from "migration-sandbox";

/** A chain and paths through it as plain data: what a run printed can be walked again. */
export interface Recipe {
  readonly engine: "postgres" | "mariadb";
  readonly releases: readonly ReleaseRecipe[];
  readonly seeds: readonly { readonly release: string; readonly sql: readonly string[] }[];
  readonly check: string | null;
  readonly paths: readonly PathRecipe[];
}

export interface ReleaseRecipe {
  readonly name: string;
  readonly insteadOf?: string;
  readonly transaction: TransactionRule;
  readonly lock: LockRule;
  readonly migrations: readonly MigrationRecipe[];
  readonly boot: readonly TaskRecipe[];
  readonly use: readonly TaskRecipe[];
  readonly model: { readonly [table: string]: readonly string[] };
}

export interface MigrationRecipe {
  readonly name: string;
  /** Statements; as code, each is sent by Knex. */
  readonly sql: readonly string[];
  readonly code: boolean;
  readonly alone: boolean;
}

export interface TaskRecipe {
  readonly sql: string;
  /** What becomes of an error, and whether the task itself ends with one. */
  readonly way: "plain" | "swallows" | "logs" | "throws" | "by settings";
}

export interface PathRecipe {
  readonly every?: "all" | "to-latest" | "stepwise" | "install" | { readonly via: readonly string[] };
  readonly from?: string;
  readonly via?: readonly string[];
  readonly to?: string;
  readonly with?: readonly string[];
  readonly runners?: number;
  readonly workaround?: readonly string[];
  readonly check?: string;
  readonly settings?: { readonly asked: number };
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Draws a chain of which most comes through, and much does so only on some of its paths. */
export function randomChain(engine: Recipe["engine"], random: () => number): Recipe {
  const below = (limit: number) => Math.floor(random() * limit);
  const chance = (share: number) => random() < share;
  const one = <T>(of: readonly T[]): T => of[below(of.length)] as T;
  const postgres = engine === "postgres";
  let made = 0;
  let tables: Table[] = [];
  let row = 1000;

  /** Without any luck most chains would be of one kind: each has its own leanings. */
  const leanings = {
    transaction: one(["each", "each", "each", "none", "all", undefined] as const),
    lock: one(["wait", "wait", "none", "refuse"] as const),
    boots: one([0, 0, 0.2, 1]),
    uses: one([0, 0.2, 0.6]),
    seeds: one([0, 0.3, 0.6, 1]),
    sessions: one([0, 0, 0.3]),
    code: one([0, 0, 0.2]),
    failing: one([0, 0.05, 0.15]),
    edits: one([0, 0.15, 0.4]),
  };

  function statement(): string {
    if (tables.length === 0 || chance(0.15)) return create();
    if (chance(leanings.failing))
      return one(["select * from nowhere", `insert into ${tables[0]?.name} (id) values (1), (1)`, "selec 1"]);
    if (chance(leanings.sessions)) return inSession();
    const table = one(tables);
    const [column = "id"] = shuffled(table.columns.slice(1));
    const { name } = table;
    return one<() => string>([
      () =>
        change(
          table,
          { columns: [...table.columns, `c${++made}`] },
          `alter table ${name} add column c${made} ${one(["int", "varchar(40) default 'x'", "int not null default 3"])}`,
        ),
      () =>
        change(
          table,
          { columns: [...table.columns, `c${++made}`] },
          `alter table ${name} add column c${made} int not null`,
        ),
      () =>
        column === "id"
          ? create()
          : change(
              table,
              { columns: table.columns.filter((one) => one !== column) },
              `alter table ${name} drop column ${column}`,
            ),
      () =>
        column === "id"
          ? create()
          : change(
              table,
              { columns: table.columns.map((one) => (one === column ? `r${++made}` : one)) },
              () => `alter table ${name} rename column ${column} to r${made}`,
            ),
      () => change(table, { name: `n${++made}` }, `alter table ${name} rename to n${made}`),
      () => {
        tables = tables.filter((one) => one !== table);
        return `drop table ${name}`;
      },
      () => `insert into ${name} (id) values (${++row}), (${++row})`,
      () => `insert into ${name} (id, ${column === "id" ? "a" : column}) values (${++row}, ${below(60)})`,
      () => `insert into ${one(tables).name} (id) select id + ${100_000 * ++made} from ${name}`,
      () => `insert into ${one(tables).name} (id) select count(*) + ${++row} from ${name}`,
      () => `insert into ${name} (id) select id from ${name} where id < 4`,
      () => `delete from ${name} where id ${one(["< 3", "> 3 and id < 1000", ">= 1000", "= 2"])}`,
      () =>
        `update ${name} set ${column} = ${column === "id" ? "id + 7000" : `'${below(60)}'`} where id ${one(["< 3", "> 1000"])}`,
      () => `create unique index u${++made} on ${name} (${column})`,
      () =>
        `alter table ${name} add constraint k${++made} check (${column} ${column === "id" ? "<> 3" : "is not null"})`,
      () => `create view v${++made} as select id from ${name}`,
      () => `alter table ${name} add constraint p${++made} unique (${column})`,
    ])();
  }

  function create(): string {
    const name = `t${++made}`;
    tables.push({ name, columns: ["id", "a", "b"] });
    const key = one([" primary key", " primary key", " primary key", ""]);
    return `create table ${name} (id ${chance(0.2) && key !== "" ? (postgres ? "serial" : "int auto_increment") : "int"}${key}, a int, b varchar(40))`;
  }

  function change(table: Table, now: Partial<Table>, sql: string | (() => string)): string {
    tables = tables.map((one) => (one === table ? { ...one, ...now } : one));
    return typeof sql === "string" ? sql : sql();
  }

  /** What only whoever goes on in the same session finds. */
  function inSession(): string {
    const { name } = one(tables);
    const insert = (value: string) => `insert into ${name} (id) values (${value})`;
    const some = postgres
      ? [
          `create schema if not exists s1;\nset search_path to s1, public`,
          `create schema if not exists s2;\nset search_path to public, s2`,
          "reset search_path",
          "set my.number = '5'",
          `insert into ${name} (id) select coalesce(nullif(current_setting('my.number', true), '')::int, 0) + ${++row}`,
          "select set_config('my.number', '77', false)",
          `create temporary table held as select id from ${name}`,
          `insert into ${name} (id) select id + ${++made * 100_000} from held`,
          "create sequence if not exists q1",
          "select nextval('q1')",
          insert(`currval('q1') + ${++row}`),
          insert(`nextval('q1') + ${++row}`),
          `prepare held as select 1`,
          "set statement_timeout = '100s'",
          "create or replace function remember() returns void language plpgsql as $$ begin perform set_config('my.number', '9', false); end $$",
          "select remember()",
          "create or replace function recall() returns int language sql as $$ select coalesce(nullif(current_setting('my.number', true), '')::int, 0) $$",
          insert(`recall() + ${++row}`),
          "set session_replication_role = replica",
        ]
      : [
          "set @number = 5",
          insert(`coalesce(@number, 0) + ${++row}`),
          `create temporary table held as select id from ${name}`,
          `insert into ${name} (id) select id + ${++made * 100_000} from held`,
          "set sql_mode = 'ansi_quotes'",
          "set foreign_key_checks = 0",
          insert(`last_insert_id() + ${++row}`),
          "set auto_increment_increment = 3",
          "create function if not exists recall() returns int no sql return coalesce(@number, 0)",
          "create function if not exists remember() returns int no sql begin set @number = 9; return 1; end",
          "do remember()",
          insert(`recall() + ${++row}`),
          insert(`row_count() + ${++row}`),
        ];
    return one(some);
  }

  function shuffled<T>(some: readonly T[]): readonly T[] {
    return some
      .map((each) => [random(), each] as const)
      .sort(([a], [b]) => a - b)
      .map(([, each]) => each);
  }

  function migration(name: string): MigrationRecipe {
    const sql = Array.from({ length: 1 + below(3) }, statement);
    return { name, sql, code: chance(leanings.code), alone: chance(0.08) };
  }

  function tasks(share: number): readonly TaskRecipe[] {
    if (!chance(share)) return [];
    return Array.from({ length: 1 + below(2) }, (): TaskRecipe => {
      const { name } = tables.length === 0 ? { name: "nowhere" } : one(tables);
      const sql = one([
        `insert into ${name} (id) select ${++row} from (select 1 as one) as it where not exists (select 1 from ${name} where id = ${row})`,
        `insert into ${name} (id) select coalesce(max(id), 0) + 1 from ${name}`,
        `update ${name} set a = 4 where id < 3`,
        "select 1",
        `delete from ${name} where id = 4`,
        ...(chance(0.3) ? ["select * from nowhere"] : []),
      ]);
      return {
        sql,
        way: one([
          "plain",
          "plain",
          "plain",
          "swallows",
          "logs",
          "by settings",
          ...(chance(0.2) ? (["throws"] as const) : []),
        ]),
      };
    });
  }

  function sowing(): readonly string[] {
    return shuffled(tables)
      .slice(0, 2)
      .map(({ name, columns }) => {
        const [column] = columns.slice(1);
        const first = one([1, 1, 20, 40]) + 100 * below(5);
        const rows = Array.from({ length: 3 + below(4) }, (_, i) =>
          column === undefined ? `(${first + i})` : `(${first + i}, ${one(["null", "5", "5", String(60 + i)])})`,
        );
        return `insert into ${name} (id${column === undefined ? "" : `, ${column}`}) values ${rows.join(", ")}`;
      });
  }

  const releases: ReleaseRecipe[] = [];
  const seeds: { release: string; sql: readonly string[] }[] = [];
  let shipped: readonly MigrationRecipe[] = [];
  const count = 3 + below(5);
  for (let i = 0; i < count; i++) {
    const name = `1.${i}`;
    if (i > 0 && chance(leanings.edits)) shipped = edited(shipped, i);
    const own = Array.from({ length: (i === 0 ? 1 : chance(0.12) ? 0 : 1) + below(3) }, (_, k) =>
      migration(`m${i}${k}`),
    );
    const before = shipped;
    shipped = [...shipped, ...own];
    const transaction = leanings.transaction ?? one(["each", "all", "none"] as const);
    const release = {
      name,
      transaction,
      lock: chance(0.9) ? leanings.lock : one(["wait", "none", "refuse"] as const),
      migrations: shipped,
      boot: tasks(leanings.boots),
      use: tasks(leanings.uses),
      model: modelled(),
    };
    releases.push(release);
    if (i > 0 && chance(0.12))
      releases.push({
        ...release,
        name: `${name} as merged`,
        insteadOf: name,
        migrations: [...before, ...own.map((one) => ({ ...one, sql: ["select 1", ...one.sql] }))],
      });
    if (chance(leanings.seeds))
      seeds.push({ release: name, sql: chance(0.05) ? ["insert into nowhere (id) values (1)"] : sowing() });
  }

  /** What developers do to releases that are out: they edit, remove and put in between. */
  function edited(list: readonly MigrationRecipe[], i: number): readonly MigrationRecipe[] {
    const place = below(list.length);
    return one([
      () => list.map((one, k) => (k === place ? { ...one, sql: [...one.sql, statement()] } : one)),
      () => list.map((one, k) => (k === place ? { ...one, sql: [`select ${i}`, ...one.sql] } : one)),
      () => list.filter((_, k) => k !== place || list.length === 1),
      () => [...list.slice(0, place), migration(`l${i}`), ...list.slice(place)],
    ])();
  }

  function modelled(): ReleaseRecipe["model"] {
    if (tables.length === 0 || !chance(0.2)) return {};
    const { name, columns } = one(tables);
    return { [name]: chance(0.4) ? [...columns, "missing"] : columns };
  }

  const names = releases.flatMap(({ name, insteadOf }) => (insteadOf === undefined ? [name] : []));
  const sets = shuffled(["all", "to-latest", "stepwise", "install", "via"] as const).slice(0, 1 + below(3));
  const paths: PathRecipe[] = sets.map((set) => {
    const every = set === "via" ? { via: names.slice(1, -1).filter((_, i) => i === 0 || chance(0.4)) } : set;
    return { every, ...more() };
  });
  for (let i = below(4); i > 0; i--) paths.push(written());

  function more(): Pick<PathRecipe, "check" | "settings"> {
    const checked = chance(0.2) && tables.length > 0;
    return {
      ...(checked && {
        check: `select id from ${one(tables).name} where id ${one(["= 2", "< 3", "> 1000"])} order by id`,
      }),
      ...(chance(0.2) && { settings: { asked: below(3) } }),
    };
  }

  function written(): PathRecipe {
    const to = 1 + below(names.length - 1);
    const from = below(to);
    const standIn = releases.find(({ insteadOf }) => insteadOf === names[to]);
    const ends = {
      from: names[from] as string,
      ...(to - from > 1 && chance(0.5) && { via: names.slice(from + 1, to).filter(() => chance(0.6)) }),
      to: standIn !== undefined && chance(0.6) ? standIn.name : (names[to] as string),
    };
    return {
      ...ends,
      ...(chance(0.4) && { with: sowing() }),
      ...(chance(0.2) && { runners: 2 }),
      ...(chance(0.3) && {
        workaround: tables.length === 0 ? [] : [`delete from ${one(tables).name} where id < 1000`],
      }),
      ...more(),
    };
  }

  const check = chance(0.2) && tables.length > 0 ? `select id from ${one(tables).name} where id = 3` : null;
  return { engine, releases, seeds, check, paths };
}
