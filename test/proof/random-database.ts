import { kinds, names, type Random } from "./random-values.ts";

export type Product = "mysql" | "mariadb";

/** The statements that make a database with much of what MySQL and MariaDB know; each must come through. */
export function randomDatabase(product: Product, engines: readonly string[], random: Random): readonly string[] {
  const maria = product === "mariadb";
  const below = (n: number) => Math.floor(random() * n);
  const chance = (share: number) => random() < share;
  const one = <T>(of: readonly T[]): T => of[below(of.length)] as T;
  const some = <T>(of: readonly T[], share = 0.5): readonly T[] => of.filter(() => chance(share));
  const statements: string[] = [];
  const say = (...sql: readonly string[]) => statements.push(...sql.flatMap((text) => (text === "" ? [] : [text])));

  const tables = Array.from({ length: 3 + below(6) }, (_, i) => `${one(names)}${i}`);
  if (maria) for (const name of some(["s", "s`eq 1"], 0.7)) say(...sequence(name));
  for (const name of some(["f", "f 'x`"], 0.7)) say(...routine(name));
  for (const [i, name] of tables.entries()) say(...table(name, i));
  for (const name of some(tables, 0.6)) say(...tie(name));
  say(...views(), ...triggers(), ...events(), ...packages(), ...awkwardOnes());
  return statements;

  function sequence(name: string): readonly string[] {
    const asked = Array.from({ length: below(4) }, () => `do nextval(${q(name)})`);
    return [
      `create sequence ${q(name)} start with ${1 + below(50)} increment by ${1 + below(3)} ${one(["cache 10", "nocache", "cycle maxvalue 99"])}`,
      ...asked,
    ];
  }

  function routine(name: string): readonly string[] {
    const mode = one(["", "ANSI_QUOTES", "STRICT_TRANS_TABLES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT"]);
    const text = one(["'it''s'", "concat('é', x)", "x", "'Ω 你好'", "'a -- b'"]);
    return [
      `set sql_mode = '${mode}'`,
      `create function ${q(name)}(x varchar(50) character set ${one(["utf8mb4", "latin1"])}) returns varchar(100) ${one(["deterministic", "no sql"])} comment 'it''s' return ${text}`,
      `create ${one(["", "definer = 'nobody'@'nowhere' "])}procedure ${q(`${name}p`)}(in a int, out b int) ${one(["", "sql security invoker"])} begin declare c int default 0; /* why */ set b = a + c; end`,
      "set sql_mode = default",
    ];
  }

  function table(name: string, i: number): readonly string[] {
    const engine = chance(0.5) ? "InnoDB" : one(engines);
    const keyed = engine !== "CSV" && engine !== "ARCHIVE" && chance(0.85);
    const numbered = keyed && chance(0.7);
    const nullable = engine === "CSV" ? " not null" : "";
    const columns = some(kinds, 0.6).filter(({ name: column, type }) =>
      engine === "CSV"
        ? ["word", "exact"].includes(column) // What it reads of others it may call damaged.
        : engine === "InnoDB" || engine === "MyISAM" || !/text|blob|json/.test(type),
    );
    const inno = engine === "InnoDB";
    const parts = [
      ...(keyed
        ? [
            `${q("id")} ${numbered ? `${one(["int", "bigint unsigned", "smallint"])} auto_increment` : "int"} primary key`,
          ]
        : []),
      `${q("parent")} int${nullable}`,
      ...columns.map(
        ({ name: column, type }) =>
          `${q(column)} ${type}${nullable} ${nullable === "" && chance(0.2) && !/blob|text|json|point/.test(type) ? "default null" : ""} comment 'it''s \\\\ a \`co*/mment\`'`,
      ),
      ...(inno || engine === "MyISAM"
        ? some([
            `${q("twice")} bigint generated always as (${q("parent")} * 2) stored`,
            `${q("on the fly")} bigint as (${q("parent")} + 1) virtual`,
          ])
        : []),
      ...(inno
        ? some([
            `${q("hidden")} int ${maria ? "invisible default 7" : "default 7 invisible"}`,
            `${q("dflt")} varchar(60) default (concat('a', ${maria ? "''" : "uuid()"}))`,
          ])
        : []),
      ...(inno
        ? some([
            `constraint ${q(`c'k ${i}`)} check (${q("parent")} is null or ${q("parent")} < 1000)${!maria && chance(0.5) ? " not enforced" : ""}`,
          ])
        : []),
      ...(keyed && columns.some(({ name }) => name === "word") && (inno || engine === "MyISAM")
        ? some([`key ${q("k`w")} (${q("word")}(5)${inno ? " desc" : ""})`, `fulltext ${q("ft")} (${q("word")})`])
        : []),
      ...(inno && !maria
        ? some([`key ${q("functional")} ((${q("parent")} * 3))`, `key ${q("unseen")} (${q("parent")}) invisible`])
        : []),
    ];
    const plain = parts.every((part) => !/fulltext/.test(part));
    const partitioned = inno && !numbered && keyed && plain && chance(0.4);
    const versioned =
      maria && inno && !partitioned && plain && chance(0.3) && !parts.some((part) => /as \(/.test(part));
    const options = [
      `engine = ${engine}`,
      inno ? `row_format = ${one(["dynamic", "compact", "redundant"])}` : "",
      chance(0.4) && engine !== "CSV" ? `character set ${one(["latin1", "utf8mb4", "ascii"])}` : "",
      chance(0.4) ? "comment 'of `x`.y; it''s'" : "",
      versioned ? "with system versioning" : "",
      partitioned
        ? one([
            `partition by hash (${q("id")}) partitions 3`,
            `partition by range (${q("id")}) (partition p0 values less than (10), partition ${q("p'x")} values less than maxvalue)`,
          ])
        : "",
    ];
    return [
      `create table ${q(name)} (${parts.join(", ")}) ${options.join(" ")}`,
      "set sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
      ...rows(
        name,
        keyed,
        columns.map(({ name }) => name),
      ),
      ...(versioned
        ? [
            `update ${q(name)} set ${q("parent")} = ${q("parent")} + 1`,
            `delete from ${q(name)} where ${q("parent")} > 30`,
          ]
        : []),
      ...(engine !== "ARCHIVE" && engine !== "CSV" && keyed && chance(0.5)
        ? [`delete from ${q(name)} where id > 15`]
        : []),
      ...(numbered && chance(0.3) ? [`alter table ${q(name)} auto_increment = ${100 + below(900)}`] : []),
      ...(inno && chance(0.2) ? [`?alter table ${q(name)} add column ${q("late")} int default 5`] : []),
      "set sql_mode = default",
    ];
  }

  function rows(name: string, keyed: boolean, columns: readonly string[]): readonly string[] {
    const list = [...(keyed ? ["id"] : []), "parent", ...columns].map(q).join(", ");
    const tuple = (i: number) =>
      `(${[...(keyed ? [String(i)] : []), String(below(40)), ...columns.map((column) => one(kinds.find((kind) => kind.name === column)?.values ?? ["1"]))].join(", ")})`;
    const count = one([0, 1, 25]);
    return count === 0
      ? []
      : [`insert into ${q(name)} (${list}) values ${Array.from({ length: count }, (_, i) => tuple(i)).join(", ")}`];
  }

  function tie(name: string): readonly string[] {
    const other = one(tables);
    const rule = one(["", "on delete cascade", "on update set null", "on delete restrict"]);
    return [
      "set foreign_key_checks = 0",
      `?alter table ${q(name)} add constraint ${q(`f'k ${statements.length}`)} foreign key (${q("parent")}) references ${q(other)} (${q("id")}) ${rule}`,
      "set foreign_key_checks = 1",
    ];
  }

  function views(): readonly string[] {
    const table = one(tables);
    return [
      `create algorithm = ${one(["merge", "undefined", "temptable"])} view ${q("z base")} as select ${q("parent")}, ${q("parent")} + 1 as ${q("n`ext")}, 'it''s' as ${q("l")} from ${q(table)}`,
      "create definer = 'nobody'@'nowhere' view owned as select 1 as one",
      `create ${one(["", "sql security invoker "])}view ${q("a over")} as select v.${q("parent")}, count(*) as n from ${q("z base")} v group by 1`,
      ...(chance(0.5)
        ? [
            `create view ${q("m with")} as with w as (select ${q("parent")} p from ${q(table)}) select * from w union select ${q("n")} from ${q("a over")}`,
          ]
        : []),
      ...(chance(0.6)
        ? [
            "create table gone (a int, b varchar(9))",
            "create view lost as select g.a, upper(g.b) as b from gone g where g.a > 1",
            "create view lost2 as select a from lost",
            one(["drop table gone", "alter table gone drop column b", "drop table gone"]),
          ]
        : []),
    ];
  }

  function triggers(): readonly string[] {
    return some(tables, 0.5).flatMap((table, i) => [
      `set sql_mode = '${one(["", "ANSI_QUOTES", "STRICT_ALL_TABLES"])}'`,
      `create trigger ${q(`t'r ${i}`)} before insert on ${q(table)} for each row set @seen = coalesce(@seen, 0) + 1`,
      `?create trigger ${q(`a first ${i}`)} before insert on ${q(table)} for each row precedes ${q(`t'r ${i}`)} begin /* é */ set @seen = 0; end`,
      "set sql_mode = default",
    ]);
  }

  function events(): readonly string[] {
    if (chance(0.4)) return [];
    return [
      "create event soon on schedule at current_timestamp + interval 1 second disable do set @x = 1",
      `create event ${q("e`v")} on schedule every 1 day starts '2020-01-01 00:00:00' on completion preserve ${one(["enable", "disable"])} comment 'it''s' do begin set @x = 'é'; end`,
      "set time_zone = '+03:00'",
      "create event elsewhere on schedule every 1 hour ends '2037-01-01 00:00:00' do select 1",
      "set time_zone = default",
    ];
  }

  function packages(): readonly string[] {
    if (!maria || chance(0.5)) return [];
    return [
      "set sql_mode = 'ORACLE'",
      "create package pack as function f return int; end;",
      "create package body pack as function f return int as begin return 1; end; end;",
      "set sql_mode = default",
    ];
  }

  function awkwardOnes(): readonly string[] {
    return [
      ...(chance(0.5)
        ? [
            "create table cycle1 (id int primary key, other int, self int, foreign key (self) references cycle1 (id))",
            "create table cycle2 (id int primary key, other int, foreign key (other) references cycle1 (id))",
            "alter table cycle1 add foreign key (other) references cycle2 (id)",
            "set foreign_key_checks = 0",
            "insert into cycle1 values (1, 1, 1), (2, 9, 9)",
            "insert into cycle2 values (1, 1), (0, 8)",
            "set foreign_key_checks = 1",
          ]
        : []),
      ...(chance(0.5)
        ? [
            "create table place (id int primary key, at point not null, spatial index (at))",
            "insert into place values (1, st_geomfromtext('point(1 2)')), (2, st_geomfromtext('point(0 -3)'))",
          ]
        : []),
      ...(maria && chance(0.5)
        ? [
            "create table dated (a int primary key, b int, rs timestamp(6) generated always as row start, re timestamp(6) generated always as row end, period for system_time (rs, re)) with system versioning",
            "insert into dated (a, b) values (1, 1), (2, 2)",
            "update dated set b = 3",
            "delete from dated where a = 1",
          ]
        : []),
      ...(maria && chance(0.4)
        ? [
            "create table stepped (a int default nextval(counted), b int)",
            "insert into stepped (b) values (1), (2)",
          ].map((sql, i) => (i === 0 ? `create sequence counted; ${sql}` : sql))
        : []),
      ...(!maria && chance(0.5)
        ? [
            "set sql_generate_invisible_primary_key = 1",
            "create table keyless (a int)",
            "set sql_generate_invisible_primary_key = 0",
            "insert into keyless values (1), (2)",
          ]
        : []),
      ...(chance(0.5) ? [`alter database character set ${one(["latin1", "utf8mb4"])}`] : []),
    ];
  }
}

const q = (name: string) => `\`${name.replaceAll("`", "``")}\``;
