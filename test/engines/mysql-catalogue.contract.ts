import { beforeAll, describe, expect, test } from "vitest";
import type { Address } from "../../harness/database.ts";
import type { Engine } from "../../harness/engines/engine.ts";
import type { Server } from "../../harness/servers/server.ts";
import type { Catalogue, Column } from "../../harness/snapshot.ts";

const mark = "catalogue contract, this run";

const oneOfEveryKind = `
  create table tenants (
    id int auto_increment primary key,
    region varchar(20) not null default 'e''u' comment 'where; it''s',
    code varchar(30) character set latin1 collate latin1_bin not null,
    balance decimal(10,2) not null default 0,
    seen timestamp not null default current_timestamp on update current_timestamp,
    hidden date invisible,
    label varchar(60) generated always as (upper(region)) stored,
    level enum('high', 'low') default 'low',
    unique key region_code (region, code),
    unique key beginning (region(5)),
    key backwards (balance desc, id),
    constraint code_given check (code <> '')
  ) comment 'all of them' row_format = dynamic;
  create table users (
    id bigint unsigned primary key,
    tenant int,
    bio text,
    place point not null,
    fulltext key words (bio),
    spatial key places (place),
    key bio_begins (bio(20)),
    constraint users_tenant foreign key (tenant) references tenants (id) on delete set null on update cascade
  );
  create table measures (day date not null, value int not null, primary key (value, day))
    partition by range (value) (partition few values less than (10), partition more values less than maxvalue);
  create table \`odd\`\` na,me)\` (\`a,b\` char(3), \`c)\` char(3), unique key \`k(1)\` (\`a,b\`, \`c)\`));
  create view big_tenants as select id, 'it''s' as note from tenants where id > 1 with local check option;
  create trigger first_touch before insert on tenants for each row begin set new.balance = 1; end;
  create trigger second_touch before insert on tenants for each row set new.balance = 2;
  create function twice(n int) returns int deterministic no sql comment 'dou''ble' return n * 2;
  create procedure twice(in a int, out b varchar(10)) sql security invoker begin select 1; end;
  create event nightly on schedule every 1 day do delete from users;
  insert into tenants (region, code) values ('x', 'y');
`;

/** What a catalogue of MySQL and MariaDB holds; what only one of them has comes in \`own\`. */
export function mysqlCatalogueContract(
  engine: Engine,
  server: () => Promise<Server>,
  own: { readonly sql: string; readonly look: (catalogue: Catalogue) => void },
): void {
  let catalogue: Catalogue;
  let again: Catalogue;
  let empty: Catalogue;

  async function catalogueOf(maintenance: Address, database: string, sql: string): Promise<Catalogue> {
    const admin = await engine.administer(maintenance);
    await admin.create(database, mark);
    try {
      const session = await engine.connect({ ...maintenance, database });
      await session.script(sql);
      await session.end();
      const snapshot = await engine.snapshot({ ...maintenance, database });
      const catalogue = await snapshot.catalogue();
      await snapshot.end();
      return catalogue;
    } finally {
      await admin.drop(database, mark);
      await admin.end();
    }
  }

  beforeAll(async () => {
    const { maintenance } = await server();
    const name = `catalogue_${process.pid}`;
    catalogue = await catalogueOf(maintenance, name, oneOfEveryKind + own.sql);
    again = await catalogueOf(maintenance, `${name}_again`, oneOfEveryKind + own.sql);
    empty = await catalogueOf(maintenance, `${name}_empty`, "");
  });

  const tableNamed = (name: string) => catalogue.tables.find((table) => table.name === name);
  /** MySQL has forgotten the display width of integers, and writes functions in capitals. */
  const plain = (text: string | null | undefined) => text?.replace(/\b(int|bigint)\(\d+\)/g, "$1").toLowerCase();
  const columnsOf = (name: string) =>
    tableNamed(name)?.columns.map((c: Column) => [c.name, plain(c.type), c.nullable, plain(c.default)]);

  describe(`the catalogue of ${engine.name}`, () => {
    test("lists tables by name, in the order of code points, without the record", () => {
      const shared = ["measures", "odd` na,me)", "tenants", "users"];
      const names = catalogue.tables.map(({ name }) => name);
      expect(names.filter((name) => shared.includes(name))).toEqual(shared);
      expect(names).not.toContain("_migration_sandbox");
    });

    test("tells columns with what the server does to them by itself", () => {
      const now = engine.name === "mariadb" ? "current_timestamp()" : "current_timestamp";
      const [zero, upper] = engine.name === "mariadb" ? ["0.00", "ucase"] : ["'0.00'", "upper"];
      expect(columnsOf("tenants")).toEqual([
        ["id", "int", false, "auto_increment"],
        ["region", "varchar(20)", false, "'e''u'"],
        ["code", "varchar(30) collate latin1_bin", false, undefined],
        ["balance", "decimal(10,2)", false, zero],
        ["seen", "timestamp", false, `${now} on update ${now}`],
        ["hidden", "date", true, "invisible"],
        ["label", "varchar(60)", true, `generated (${upper}(\`region\`)) stored`],
        ["level", "enum('high','low')", true, "'low'"],
      ]);
    });

    test("tells keys from indexes that are more than columns", () => {
      expect(tableNamed("tenants")).toMatchObject({
        primaryKey: ["id"],
        keys: [
          { name: "PRIMARY", columns: ["id"], primary: true },
          { name: "region_code", columns: ["region", "code"], primary: false },
        ],
        indexes: [
          { name: "backwards", definition: "(`balance` DESC,`id`)" },
          { name: "beginning", definition: "unique (`region`(5))" },
        ],
        options: expect.stringMatching(/^ENGINE=InnoDB (?!.*AUTO_INCREMENT).*ROW_FORMAT=DYNAMIC$/),
      });
      expect(tableNamed("users")?.indexes).toEqual([
        { name: "bio_begins", definition: "(`bio`(20))" },
        { name: "places", definition: "spatial (`place`)" },
        { name: "users_tenant", definition: "(`tenant`)" },
        { name: "words", definition: "fulltext (`bio`)" },
      ]);
    });

    test("tells foreign keys with their actions, and checks", () => {
      expect(tableNamed("users")?.foreignKeys).toEqual([
        {
          name: "users_tenant",
          columns: ["tenant"],
          to: "tenants",
          toColumns: ["id"],
          onUpdate: "cascade",
          onDelete: "set null",
          validated: true,
        },
      ]);
      expect(tableNamed("tenants")?.checks).toEqual([
        { name: "code_given", definition: expect.stringContaining("`code` <> ") },
      ]);
    });

    test("a partitioned table is one table, and its key's columns stand in the key's order", () => {
      const table = tableNamed("measures");
      expect(table).toMatchObject({
        primaryKey: ["value", "day"],
        options: expect.stringContaining("PARTITION BY RANGE"),
      });
      expect(table?.id).toMatch(/^\d+$/);
    });

    test("odd names are as they are", () => {
      expect(tableNamed("odd` na,me)")).toMatchObject({
        primaryKey: [],
        keys: [{ name: "k(1)", columns: ["a,b", "c)"], primary: false }],
        indexes: [],
      });
    });

    test("triggers stand with their order, and views without the name of the database", () => {
      expect(tableNamed("tenants")?.triggers).toEqual([
        {
          name: "first_touch",
          definition: expect.stringMatching(/^before insert for each row begin .* end\nsql_mode '/),
        },
        { name: "second_touch", definition: expect.stringContaining("as number 2 for each row set new.balance = 2\n") },
      ]);
      expect(catalogue.views).toEqual([
        {
          name: "big_tenants",
          definition: expect.stringMatching(/ from `tenants` where .*`id` > 1\)? with local check option$/),
        },
      ]);
    });

    test("routines and events are told apart by kind, with what decides how they run", () => {
      const [event, twice, procedure] = catalogue.functions;
      expect(event?.name).toBe("event nightly");
      expect(event?.definition).toMatch(/^every 1 day on completion not preserve enabled .*\ndelete from users$/);
      expect(twice?.name).toBe("function twice");
      expect(plain(twice?.definition)).toMatch(
        /^\(n int\) returns int deterministic no sql comment 'dou''ble' .*\nreturn n \* 2$/,
      );
      expect(procedure?.name).toBe("procedure twice");
      expect(plain(procedure?.definition)).toMatch(
        /^\(a int, out b varchar\(10\)\) contains sql sql security invoker .*\nbegin select 1; end$/,
      );
    });

    test("the database's own character set shows", () => {
      expect(catalogue.options).toMatch(/^character set utf8mb4 collate utf8mb4_/);
    });

    test("two databases that were made alike have equal catalogues, but for what names them", () => {
      const bare = ({ tables, ...rest }: Catalogue) => ({
        ...rest,
        tables: tables.map(({ id, schema, ...table }) => table),
      });
      expect(bare(again)).toEqual(bare(catalogue));
    });

    test("an empty database has nothing in it", () => {
      const { options, ...things } = empty;
      expect(things).toEqual({ tables: [], enums: [], sequences: [], views: [], functions: [] });
    });

    test("is plain data", () => {
      expect(JSON.parse(JSON.stringify(catalogue))).toEqual(catalogue);
    });

    test(`tells what only ${engine.name} has`, () => own.look(catalogue));
  });
}
