import { describe, expect, test } from "vitest";
import type { Piece } from "../../harness/chain.ts";
import type { EngineName } from "../../harness/database.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { statementsOf } from "../../harness/formats/statements.ts";
import { onEngine, onStage } from "../stage.ts";
import { awkwardSql } from "./awkward-sql.ts";

const r = String.raw;
const split = (sql: string, engine: EngineName = "postgres") => statementsOf(sql, { engine, file: "a.sql" });
const told = ({ sql, copied }: Piece) => (copied === undefined ? sql : [sql, copied]);

describe.each(awkwardSql)("statementsOf() on $engine, $what", ({ engine, sql, statements }) => {
  test("tells the statements", () => {
    expect(split(sql, engine).map(told)).toEqual(statements);
  });

  test("tells where each of them stands", () => {
    for (const { sql: statement, offset } of split(sql, engine))
      expect(sql.slice(offset, offset + statement.length).replace("\\;", " ;")).toBe(statement.replace("\\;", " ;"));
  });

  // The parser knows neither rows nor what speaks to a client.
  const forServer = !/stdin\b|\\;|delimiter|^use|sandbox mode|\\g/i.test(sql);
  test.runIf(forServer)("agrees with the parser", async () => {
    const parsed = await engineNamed(engine).split(sql);
    expect(split(sql, engine).map(bare)).toEqual(parsed.map(bare));
  });
});

/** Without comments at its end, which the parser leaves out. */
function bare({ sql, offset }: Piece) {
  return { offset, sql: sql.replace(/\s*(--|#)[^\n]*$/, "").replace(/\s*\/\* a [\s\S]*\*\/$/, "") };
}

describe("statementsOf()", () => {
  test.each<[what: string, engine: EngineName, sql: string, line: number, close: string]>([
    ["a string", "postgres", "select 1;\n\nselect 'a;\nb;", 3, "'"],
    ["a string", "postgres", r`select E'a\';`, 1, "'"],
    ["a quoted name", "postgres", 'select 1 as "a;\n', 1, '"'],
    ["a dollar-quoted string", "postgres", "select 1;\ndo $body$ begin; end $$;", 2, "$body$"],
    ["a comment", "postgres", "/* a /* b */ ;\n", 1, "*/"],
    ["a comment", "postgres", "select 1,\n/* 2;", 2, "*/"],
    ["the data of this COPY", "postgres", "select 1;\ncopy t from stdin;\n1\n2\n", 2, "a line of \\."],
    ["the data of this COPY", "postgres", "copy t from stdin", 1, "a line of \\."],
    ["a string", "mysql", 'select 1;\nselect "a\\";', 2, '"'],
    ["a quoted name", "mariadb", "select 1 as `a;\n", 1, "`"],
    ["a comment", "mysql", "select 1 /* a;", 1, "*/"],
    ["code for certain versions", "mysql", "select 1;\n/*!40101 set names utf8;", 2, "*/"],
  ])("refuses %s that never ends, on %s: %j", (what, engine, sql, line, close) => {
    expect(() => split(sql, engine)).toThrow(
      expect.objectContaining({
        code: "bad-input",
        message: `Cannot read "a.sql:${line}": ${what} begins here and never ends (close it with ${close})`,
      }),
    );
  });

  test("counts the lines of a part of a file from where that part begins", () => {
    expect(() => statementsOf("select 1;\nselect '", { engine: "mysql", file: "a.sql", line: 41 })).toThrow(
      '"a.sql:42"',
    );
  });

  test.each<[engine: EngineName, sql: string, message: string]>([
    ["postgres", "select 1;\n\\connect other\n", r`2": "\connect other" is a command to the client, not SQL`],
    ["mysql", "select 1;\nsource other.sql\n", '2": "source other.sql" is a command to the client, not SQL'],
    ["mysql", "\\. other.sql\n", r`1": "\. other.sql" is a command to the client, not SQL`],
  ])("refuses what speaks to the client of %s: %j", (engine, sql, message) => {
    const whole = `Cannot read "a.sql:${message} (take it out, or let the client run the file)`;
    expect(() => split(sql, engine)).toThrow(expect.objectContaining({ code: "bad-input", message: whole }));
  });

  test("leaves out what speaks to the client where its reader says so", () => {
    const heard: string[] = [];
    const onMeta = (line: number, command: string) => void heard.push(`${line} ${command}`);
    const sql = "\\restrict abc\nselect 1;\n\\set a 'b\\\\c' \\\\ select 2;\r\n\\echo done;\r\nselect 3";
    const pieces = statementsOf(sql, { engine: "postgres", file: "a.sql", onMeta });
    expect(pieces.map(told)).toEqual(["select 1", "select 2", "select 3"]);
    expect(heard).toEqual(["1 \\restrict abc", "3 \\set a 'b\\\\c'", "4 \\echo done;"]);
  });

  test.each<[engine: EngineName, sql: string, message: string]>([
    [
      "postgres",
      "select 1 \\gset",
      '1": "\\gset" within a statement is a command to psql (end the statement with ; instead)',
    ],
    ["mysql", "select 1\n\\p", '2": "\\p" within a statement is a command to the client (take it out)'],
    [
      "mysql",
      "DELIMITER \\\\\nselect 1",
      '1": "DELIMITER \\\\" sets a delimiter with a backslash, which escapes (take another)',
    ],
    [
      "postgres",
      "copy t from stdin; select 1;\n\\.\n",
      '1": rows follow this COPY, and more SQL on its line (give that SQL a line below the rows)',
    ],
  ])("refuses what cannot be left out, on %s: %j", (engine, sql, message) => {
    const whole = `Cannot read "a.sql:${message}`;
    expect(() => statementsOf(sql, { engine, file: "a.sql", onMeta: () => {} })).toThrow(
      expect.objectContaining({ code: "bad-input", message: whole }),
    );
  });

  test("takes bodies without DELIMITER for what the parser takes them", async () => {
    const body = `create procedure p(a int) begin
      declare continue handler for not found begin set @x = 1; end;
      if not exists (select 1) then alter table t add c int; elseif a then begin end; else set @y = if(a, 1, 2); end if;
      case a when 1 then select 1; else begin end; end case;
      set @z = case a when 1 then 'end;' else 3 end;
      l: loop leave l; end loop l;
      while a do set a = a - 1; end while;
      repeat set a = a + 1; until a > 3 end repeat;
      select 1 as end;
    end`;
    const others = [
      "create procedure p() select repeat('a', 2)",
      "create trigger t after update on x for each row if new.a then do 1; end if",
      "create definer = `a;`@'b;' trigger t before insert on x for each row set new.a = if(1, 2, 3)",
      "create event e on schedule every 1 day comment 'a' do begin do 1; do 2; end",
      "begin not atomic do 1; end",
      "drop table if exists t",
      "/*!50003 create procedure p() begin do 1; end */",
    ];
    const sql = [body, ...others, body].join(";\n");
    expect(split(sql, "mysql").map(told)).toEqual([body, ...others, body]);
    expect(split(sql, "mysql")).toEqual(await engineNamed("mysql").split(sql));
  });

  test("takes time in proportion to what it reads", () => {
    const timed = (sql: string) => {
      const begun = performance.now();
      split(sql);
      return performance.now() - begun;
    };
    const statement =
      "create function f() returns int language sql as $$ select 1; $$; -- it's\ninsert into t values ('a;b');\n";
    timed(statement.repeat(5_000));
    // Ten times as much: the square would be a hundred times as long.
    expect(timed(statement.repeat(50_000)) / timed(statement.repeat(5_000))).toBeLessThan(40);
  });
});

const rowsOf: { readonly [E in EngineName]: string } = {
  postgres: r`create table t (id int primary key, name text);
create function twice(a int) returns int language sql begin atomic select a; select case when a > 0 then 2 * a end; end;
create function f() returns trigger language plpgsql as $body$ begin new.name := new.name || ';$$'; return new; end $body$;
create trigger g before insert on t for each row execute function f();
insert into t values (twice(1), E'it\'s;' /* ; /* ; */ */); -- a; b
copy t (id, name) from stdin;
3	a;'\\.
4	\N
\.
create rule r as on delete to t do instead (insert into t values (5, 'ü;😀'); insert into t values (6, 'end'));
delete from t where id = 3`,
  mysql: r`create table t (id int primary key, name varchar(20)) character set utf8mb4;
create trigger g before insert on t for each row begin if new.id > 0 then set new.name = concat(new.name, ';'); end if; end;
DELIMITER // -- from here
create procedure p(a int) begin insert into t values (a, "it\"s;"); insert into t values (a + 1, 'a//'); end//
delimiter ;
call p(2); # a; b
/*!40101 insert into t values (4, null) */;
insert into t values (5--1, 'ü;😀')`,
  mariadb: "",
};

for (const engine of ["postgres", "mysql", "mariadb"] as const) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test("statements do one by one what the file is to do", async () => {
      const sandbox = await stage().create();
      const session = await sandbox.connect();
      const sql = rowsOf[engine] || rowsOf.mysql;
      for (const piece of split(sql, engine)) await session.script(piece.sql, piece.copied);
      const rows = await session.query("select id, name from t order by id");
      await session.end();
      await sandbox.drop();
      expect(rows.map(({ id, name }) => [Number(id), name])).toEqual(expected[engine] ?? expected.mysql);
    });
  });
}

const expected: { readonly [engine: string]: readonly (readonly [number, string | null])[] } = {
  postgres: [
    [2, "it's;;$$"],
    [3, "a;'\\.;$$"],
    [4, null],
    [5, "ü;😀;$$"],
    [6, "end;$$"],
  ],
  mysql: [
    [2, 'it"s;;'],
    [3, "a//;"],
    [4, null],
    [6, "ü;😀;"],
  ],
};
