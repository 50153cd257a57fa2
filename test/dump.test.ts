import { spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { rehearse } from "migration-sandbox";
import { expect, test } from "vitest";
import { postgres } from "../harness/engines/postgres.ts";
import type { Stage } from "../harness/sandbox.ts";
import { localInstallations } from "../harness/servers/local.ts";
import { chained, dumped, dumpFolder, notesOf, told, upgradeFrom } from "./dumping.ts";
import { onEngine, onStage } from "./stage.ts";

const dump = dumpFolder();

const used = `
  create table users (id serial primary key, name text not null unique, born timestamptz default now(), data jsonb, raw bytea);
  insert into users (name, data, raw) values ('Ann; -- "no"', '{"a": "\\\\n"}', '\\xdeadbeef'), (E'Zo\u00eb\\n\\ttab \\\\.', null, null);
  create function f() returns trigger language plpgsql as $$ begin new.name := new.name || ';'; return new; end $$;
  create trigger t before update on users for each row execute function f();
  create view names as select name from users;
  create table notes (id int primary key references users, "from" text);
  insert into notes values (1, 'x');`;

const chain = () =>
  chained([used, "alter table users add column email text", "create table later (id int primary key)"]);

const isHere = (program: string) => spawnSync(program, ["--version"]).status === 0;
/** It dumps no server that is newer than itself: the one that is installed beside it will do. */
const dumpsHere = isHere("pg_dump") && localInstallations(postgres).length > 0;

await onEngine("postgres", () => {
  const stage = onStage("postgres", dumpsHere ? "local" : undefined);
  const rehearsed = async (scenario: Parameters<typeof rehearse>[0][number]) => {
    const { rehearsals } = await rehearse([scenario], { stage: async () => stage() });
    return rehearsals;
  };

  for (const [what, args, pack] of [
    ["SQL", [], (bytes: Buffer) => bytes],
    ["SQL of INSERTs that names its database", ["--inserts", "--create"], (bytes: Buffer) => bytes],
    ["a gzip of it", [], gzipSync],
    ["an archive", ["-Fc"], (bytes: Buffer) => bytes],
  ] as const) {
    test.runIf(dumpsHere)(`a path goes on from ${what} that pg_dump wrote, by rows and all`, async () => {
      const file = dump(`theirs ${what}`, pack(await dumped(stage(), used, args)));
      let rows: readonly unknown[] = [];
      const check = async ({ after }: { after: { query(sql: string): Promise<readonly unknown[]> } }) => {
        rows = await after.query("select name, data, encode(raw, 'hex') as raw, email from users order by id");
        return [];
      };
      const [rehearsal] = await rehearsed(upgradeFrom("postgres", file, chain(), { check }));
      if (rehearsal === undefined) throw new Error("Nothing was rehearsed");
      expect(told(rehearsal)).toBe("clean");
      expect(rehearsal.hops.map(({ from, to, migrations }) => [from, to, migrations.map(({ name }) => name)])).toEqual([
        ["1.0", "1.2", ["0002", "0003"]],
      ]);
      expect(rows).toEqual([
        { name: 'Ann; -- "no"', data: { a: "\\n" }, raw: "deadbeef", email: null },
        { name: "Zoë\n\ttab \\.", data: null, raw: null, email: null },
      ]);
      expect(notesOf(rehearsal).map(([code]) => code)).toEqual([
        ...(args.length > 1 ? ["dump-statement-skipped"] : []),
        "record-filled",
      ]);
    });
  }

  test("what belongs to the whole server, or to somebody who is not here, is left out and counted", async () => {
    const file = dump(
      "app.sql",
      `-- PostgreSQL database dump
\\restrict abc
-- Dumped from database version 15.2
SET statement_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE ROLE app;
CREATE DATABASE x;
\\connect x
SET default_tablespace = fast;
CREATE SCHEMA public;
CREATE TABLE public.users (id integer);
ALTER TABLE public.users OWNER TO app;
COPY public.users (id) FROM stdin;
1
\\.
GRANT SELECT ON TABLE public.users TO readers;
ALTER SYSTEM SET work_mem = '1GB';
\\unrestrict abc
-- PostgreSQL database dump complete
`,
    );
    const before = await databases(stage());
    const upgrade = upgradeFrom(
      "postgres",
      file,
      chained(["create table users (id int)", "alter table users add x int"]),
    );
    const [rehearsal] = await rehearsed(upgrade);
    expect(rehearsal && told(rehearsal)).toBe("clean");
    expect(rehearsal && notesOf(rehearsal)[0]).toEqual([
      "dump-statement-skipped",
      `left out of "app.sql": ${[
        '1 × SET TRANSACTION_TIMEOUT (unrecognized configuration parameter "transaction_timeout")',
        "1 × CREATE ROLE (of the whole server, and not of one database)",
        "1 × CREATE DATABASE (all goes into the sandbox)",
        "1 × \\connect (all goes into the sandbox)",
        '1 × SET DEFAULT_TABLESPACE (invalid value for parameter "default_tablespace": "fast")',
        '1 × CREATE SCHEMA PUBLIC (schema "public" already exists)',
        "1 × OWNER TO app (what is restored belongs to whoever restores it)",
        '1 × GRANT (role "readers" does not exist)',
      ].join("; ")}; and 1 more`,
    ]);
    expect(await databases(stage())).toEqual(before);
  });

  for (const [what, sql, says] of [
    [
      "is of two databases",
      "\\connect a\ncreate table a (id int);\n\\connect postgres\n",
      `:3": it holds more than one database, "a" and "postgres" (dump the one alone: pg_dump <database>)`,
    ],
    [
      "wants an extension that nobody has",
      "create table a (id serial);\nCREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;\n",
      `:2": it wants extension "vector", and the server says: extension "vector" is not available (a server of your own that has it: --server <url>; those that come with PostgreSQL: --server container)`,
    ],
    [
      "runs a program",
      "create table a (x text);\ncopy a from program 'id';\n",
      `:2": this COPY reads or writes a file of the server's (a dump has COPY … FROM stdin)`,
    ],
    [
      "has psql run a program",
      "create table a (x serial);\n\\! id\n",
      `:2": "\\! id" is a command to psql, and no dump's (take it out)`,
    ],
    [
      "breaks off within rows",
      "create table a (x text);\ncopy a from stdin;\n1\n2\n",
      `:2": the data of this COPY begins here and never ends (close it with a line of \\.)`,
    ],
    [
      "breaks off between statements",
      "-- PostgreSQL database dump\n\ncreate table a (x text);\n",
      `": it breaks off: its last line is not "-- PostgreSQL database dump complete" (copy it once more, or dump anew)`,
    ],
    [
      "holds a row that its table does not take",
      "create table a (x int);\n\ncopy a from stdin;\nüx\n\\.\n",
      `:3": the server refuses "copy a from stdin": invalid input syntax for type integer: "üx"`,
    ],
    [
      "is of a newer server, and says what only that knows",
      "-- Dumped from database version 99.1\ncreate table a (x int) using novel;\n",
      `:2": the server refuses "create table a (x int) using novel": access method "novel" does not exist (the dump is of PostgreSQL 99.1, and this server is VERSION: rehearse on postgres:99)`,
    ],
  ] as const) {
    test(`nothing can be told from a dump that ${what}`, async () => {
      const file = dump("bad.sql", sql);
      const before = await databases(stage());
      const [rehearsal] = await rehearsed(upgradeFrom("postgres", file, chained(["select 1", "select 2"])));
      const why = says.replace("VERSION", stage().server.version);
      expect(rehearsal && told(rehearsal)).toBe(`dump-unreadable: Cannot restore "${file.pathname}${why}`);
      expect(await databases(stage())).toEqual(before);
    });
  }

  test("a gzip that breaks off is told where nobody could see it before", async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => `${i}\t${(i * 7919) % 10007}`).join("\n");
    const whole = gzipSync(`create table users (id serial, x int);\ncopy users from stdin;\n${rows}\n\\.\n`);
    const file = dump("broken.gz", whole.subarray(0, whole.length - 1000));
    const [rehearsal] = await rehearsed(upgradeFrom("postgres", file, chained(["select 1", "select 2"])));
    const why = "the gzip breaks off before its end (copy it once more)";
    expect(rehearsal && told(rehearsal)).toBe(`dump-unreadable: Cannot restore "${file.pathname}": ${why}`);
  });

  test("a dump in another encoding than UTF-8 comes as it was", async () => {
    const sql =
      "SET client_encoding = 'LATIN1';\ncreate table users (name text);\ncopy users from stdin;\nZo\xeb\n\\.\n";
    const file = dump("latin1.sql", Buffer.from(sql, "latin1"));
    let rows: readonly unknown[] = [];
    const check = async ({ after }: { after: { query(sql: string): Promise<readonly unknown[]> } }) => {
      rows = await after.query("select * from users");
      return [];
    };
    const [rehearsal] = await rehearsed(upgradeFrom("postgres", file, chained(["select 1", "select 2"]), { check }));
    expect(rehearsal && told(rehearsal)).toBe("clean");
    expect(rows).toEqual([{ name: "Zoë" }]);
  });
});

for (const name of ["mariadb", "mysql"] as const) {
  await onEngine(name, () => {
    const stage = onStage(name);
    const rehearsed = async (file: URL, chain: ReturnType<typeof chained>, more: object = {}) => {
      const scenario = upgradeFrom(name, file, chain, more);
      const { rehearsals } = await rehearse([scenario], { stage: async () => stage() });
      return rehearsals[0];
    };

    test.runIf(name === "mariadb" && isHere("mariadb-dump"))(
      "a path goes on from what mariadb-dump wrote, by rows and all",
      async () => {
        const sql = `create table users (id int primary key auto_increment, name varchar(50), raw varbinary(9));
        insert into users (name, raw) values ('Zoë; -- "no"', x'00ff275c0aa0'), ('it''s \\\\', null);
        create trigger t before update on users for each row begin set new.name = concat(new.name, ';'); set new.raw = null; end;
        create view names as select name from users;
        create procedure p() begin select 1; select 2; end;`;
        const written = await dumped(stage(), sql, ["--routines", "--databases"]);
        // Whoever made it there is nobody here.
        const bytes = Buffer.from(
          written
            .toString("latin1")
            .replace(/(DEFINER=`)root`@`[^`]*`(?=[^\n]*SECURITY|[^\n]*TRIGGER|[^\n]*PROC)/g, "$1app`@`%`"),
          "latin1",
        );
        const { rows, check } = asking("select name, hex(raw) as raw, email from users order by id");
        const upgrades = chained([sql, "alter table users add column email varchar(50)"]);
        const rehearsal = await rehearsed(dump("theirs.sql.gz", gzipSync(bytes)), upgrades, { check });
        expect(rehearsal && told(rehearsal)).toBe("clean");
        expect(rows()).toEqual([
          { name: 'Zoë; -- "no"', raw: "00FF275C0AA0", email: null },
          { name: "it's \\", raw: null, email: null },
        ]);
        const [[, skipped = ""] = []] = rehearsal ? notesOf(rehearsal) : [];
        expect(skipped).toBe(
          'left out of "theirs.sql.gz": 1 × CREATE DATABASE (all goes into the sandbox); 2 × USE (all goes into the sandbox); 2 × DEFINER=app@% (what is restored belongs to whoever restores it)',
        );
      },
    );

    test("what mysqldump wrote is restored without what is the server's", async () => {
      const file = dump("mysqldump.sql", ofMysqldump(name));
      const before = await databases(stage());
      const { rows, check } = asking("select name from users");
      const rehearsal = await rehearsed(file, chained(["select 1", "alter table users add x int"]), { check });
      expect(rehearsal && told(rehearsal)).toBe("clean");
      expect(rows()).toEqual([{ name: "Zoë" }, { name: "USE mysql;" }]);
      expect(await databases(stage())).toEqual(before);
      expect(rehearsal && notesOf(rehearsal)[0]?.[1]).toBe(
        `left out of "mysqldump.sql": ${[
          "1 × SET @MYSQLDUMP_TEMP_LOG_BIN (of the whole server, and not of one database)",
          "2 × SET @@SESSION.SQL_LOG_BIN (of the whole server, and not of one database)",
          "1 × SET @@GLOBAL.GTID_PURGED (of the whole server, and not of one database)",
          "2 × DEFINER=app@% (what is restored belongs to whoever restores it)",
        ].join("; ")}`,
      );
    });

    for (const [what, sql, says] of [
      [
        "goes to the server's own database",
        "USE mysql;\ninsert into user values (1);\n",
        `:1": it goes to database "mysql", which is the server's own (dump one database alone)`,
      ],
      [
        "says so in a comment for certain versions",
        "create table a (id int);\n/*!40000 USE `mysql` */;\n",
        `:2": it goes to database "mysql", which is the server's own (dump one database alone)`,
      ],
      [
        "is of two databases",
        "CREATE DATABASE x;\nUSE x;\ncreate table a (id int);\nUSE `y`;\n",
        `:4": it holds more than one database, "x" and "y" (dump the one alone, by its name)`,
      ],
      [
        "writes to another database",
        "create table `a` (id int);\nINSERT INTO `other`.`a` VALUES (1);\n",
        `:2": it writes to "other"."a", and a dump must not name a database (dump one database alone)`,
      ],
      [
        "writes there by a trigger",
        "create table `a` (id int);\ncreate trigger t after insert on `a` for each row insert into `other`.`log` values (1);\n",
        `:2": it writes to "other"."log", and a dump must not name a database (dump one database alone)`,
      ],
      [
        "hides a statement behind another",
        "create table `a` (id int);\ndelimiter //\ninsert into a values (1); drop database mysql//\n",
        `:3": the server refuses "insert into a values (1); drop database mysql": `,
      ],
      [
        "does what no dump does",
        "create table `a` (id int);\ncall do_something();\n",
        `:2": "call do_something()" is nothing that a dump of a database holds`,
      ],
      [
        "reads a file",
        "create table `a` (id int);\nload data infile '/etc/passwd' into table a;\n",
        `:2": "load data infile '/etc/passwd' into table a" is nothing that a dump of a database holds`,
      ],
      [
        "breaks off",
        "-- MySQL dump 10.13  Distrib\n-- Server version\t8.0.36\ncreate table `a` (id int);\n".replace(
          "8.0.36",
          name === "mariadb" ? "10.11.2-MariaDB" : "8.0.36",
        ),
        `": it breaks off: its last line is not "-- Dump completed" (copy it once more, or dump anew)`,
      ],
    ] as const) {
      test(`nothing can be told from a dump that ${what}`, async () => {
        const file = dump("bad.sql", sql);
        const before = await databases(stage());
        const rehearsal = await rehearsed(file, chained(["select 1", "select 2"]));
        expect(rehearsal && told(rehearsal)).toContain(`dump-unreadable: Cannot restore "${file.pathname}${says}`);
        expect(await databases(stage())).toEqual(before);
      });
    }
  });
}

function asking(sql: string) {
  let rows: readonly unknown[] = [];
  const check = async ({ after }: { after: { query(sql: string): Promise<readonly unknown[]> } }) => {
    rows = (await after.query(sql)).map((row) => ({ ...(row as object) }));
    return [];
  };
  return { rows: () => rows, check };
}

/** As its client of version 8 writes it. */
function ofMysqldump(name: string): string {
  return `-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: app
-- ------------------------------------------------------
-- Server version	${name === "mariadb" ? "10.11.2-MariaDB" : "8.0.36"}

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;
SET @@SESSION.SQL_LOG_BIN= 0;
SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'aaaa:1-5';
DROP TABLE IF EXISTS \`users\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE \`users\` (
  \`id\` int NOT NULL AUTO_INCREMENT,
  \`name\` varchar(50) DEFAULT NULL,
  PRIMARY KEY (\`id\`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES \`users\` WRITE;
/*!40000 ALTER TABLE \`users\` DISABLE KEYS */;
INSERT INTO \`users\` VALUES (1,'Zoë'),(2,'USE mysql;');
/*!40000 ALTER TABLE \`users\` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`app\`@\`%\`*/ /*!50003 TRIGGER t BEFORE UPDATE ON users FOR EACH ROW BEGIN
  SET NEW.name = CONCAT(NEW.name, ';');
END */;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`app\`@\`%\` SQL SECURITY DEFINER */
/*!50001 VIEW \`names\` AS select \`users\`.\`name\` AS \`name\` from \`users\` */;
SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;

-- Dump completed on 2024-05-01 10:00:00
`;
}

async function databases({ engine, server }: Stage): Promise<readonly string[]> {
  const session = await engine.connect(server.maintenance);
  const from =
    engine.name === "postgres"
      ? "datname as name from pg_database"
      : "schema_name as name from information_schema.schemata";
  const rows = await session.query(`select ${from} order by 1`);
  await session.end();
  return rows.map(({ name }) => String(name)).filter((name) => !name.startsWith("sandbox_"));
}
