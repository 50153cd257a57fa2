import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { gzipSync } from "node:zlib";
import { clean, rehearse, release } from "migration-sandbox";
import { describe, expect, onTestFinished, test } from "vitest";
import { chosenPaths } from "../harness/choice.ts";
import { dumpAt } from "../harness/dump.ts";
import { planOf } from "../harness/plan.ts";
import { planned } from "../harness/report/listing.ts";
import { pathFromDump } from "../harness/selection.ts";
import { dumpFolder } from "./dumping.ts";

const dump = dumpFolder();
const wanted = "wanted is what pg_dump, mysqldump or mariadb-dump wrote, as SQL, a gzip of it, or pg_dump -Fc";

describe("a dump is known by its content, whatever it is called", () => {
  const known: readonly (readonly [what: string, content: string | Buffer, engines: readonly string[]])[] = [
    ["pg_dump", "--\n-- PostgreSQL database dump\n--\n", ["postgres"]],
    ["pg_dump, gzipped", gzipSync("--\n-- PostgreSQL database dump\n--\n"), ["postgres"]],
    ["pg_dump -Fc", Buffer.from("PGDMP\x01\x0e\x00"), ["postgres"]],
    ["mysqldump", "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n-- Server version\t8.0.36\n", ["mysql"]],
    [
      "MariaDB's mysqldump",
      "-- MySQL dump 10.13  Distrib 5.5.68-MariaDB\n-- Server version\t5.5.68-MariaDB\n",
      ["mariadb"],
    ],
    [
      "MySQL's mysqldump on MariaDB",
      "-- MySQL dump 10.13  Distrib 8.0.36\n-- Server version\t5.5.5-10.6.1-MariaDB\n",
      ["mariadb"],
    ],
    ["mariadb-dump", "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n", ["mariadb"]],
    ["phpMyAdmin", "-- phpMyAdmin SQL Dump\n-- Server version: 10.4.28-MariaDB\n", ["mariadb"]],
    ["PostgreSQL without a head", "ALTER TABLE ONLY public.users ADD PRIMARY KEY (id);", ["postgres"]],
    [
      "MySQL or MariaDB without a head",
      "CREATE TABLE `users` (`id` int) ENGINE=InnoDB;\nINSERT INTO `users` VALUES ('::jsonb');",
      ["mysql", "mariadb"],
    ],
    ["MySQL 8 without a head", "CREATE TABLE `users` (`id` int) COLLATE=utf8mb4_0900_ai_ci;", ["mysql"]],
    ["what anybody may have written", "create table users (id int);", ["postgres", "mysql", "mariadb"]],
  ];
  for (const [what, content, engines] of known) {
    test(what, async () => expect((await dumpAt(dump("theirs.txt", content))).engines).toEqual(engines));
  }
});

describe("what cannot be a dump is bad input, before anything is started", () => {
  const gzipped = gzipSync("-- PostgreSQL database dump\n".repeat(50));
  const refused: readonly (readonly [what: string, content: string | Buffer, says: string])[] = [
    ["an empty file", "", "it is empty"],
    ["a gzip of nothing", gzipSync(""), "it is empty, once it is unpacked"],
    ["prose", "Dear all,\nhere is the dump.", `nothing in it says of which database it is (${wanted})`],
    [
      "a gzip that breaks off at once",
      gzipped.subarray(0, 12),
      "the gzip breaks off before its end (copy it once more)",
    ],
    [
      "a gzip of an archive",
      gzipSync("PGDMP\x01"),
      "it is a gzip of what pg_dump -Fc wrote, which is packed as it is (gunzip it)",
    ],
    ["zstd", Buffer.from("28b52ffd00", "hex"), "it is packed by zstd (unzstd it first, or take gzip)"],
    [
      "UTF-16",
      Buffer.from("\uFEFFcreate table a (id int);", "utf16le"),
      "it is UTF-16, as PowerShell writes what > is given (let the tool write it: pg_dump -f, mysqldump -r)",
    ],
    ["a database of SQLite", Buffer.from("SQLite format 3\0"), "it is a database of SQLite, which is no engine here"],
    ["other bytes", Buffer.from([1, 0, 2]), `it is no text, and nothing that pg_dump writes (${wanted})`],
    [
      "a whole server's dump",
      "-- PostgreSQL database cluster dump\n",
      "it is of a whole server, by pg_dumpall (dump the one database: pg_dump <database>)",
    ],
  ];
  for (const [what, content, says] of refused) {
    test(what, async () => {
      const file = dump("theirs.sql", content);
      await expect(dumpAt(file)).rejects.toMatchObject({
        code: "bad-input",
        message: `Cannot read dump "${file.pathname}": ${says}`,
      });
    });
  }

  test("a file that is not there, a folder, and a folder that pg_dump wrote", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dumps-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const cannot = (path: string, why: string) => ({
      code: "bad-input",
      message: `Cannot read dump "${path}": ${why}`,
    });
    await expect(dumpAt(`${folder}/none.sql`)).rejects.toMatchObject(
      cannot(`${folder}/none.sql`, "there is no such file"),
    );
    await expect(dumpAt(folder)).rejects.toMatchObject(cannot(folder, "it is a folder"));
    writeFileSync(join(folder, "toc.dat"), "PGDMP");
    const way = `it is a folder that pg_dump wrote (make SQL of it: pg_restore -f theirs.sql "${folder}")`;
    await expect(dumpAt(folder)).rejects.toMatchObject(cannot(folder, way));
  });
});

const chain = [
  release("1.0", { migrations: [{ name: "1", up: "select 1" }] }),
  release("1.1", {
    migrations: [
      { name: "1", up: "select 1" },
      { name: "2", up: "select 2" },
    ],
  }),
];
const path = { from: "1.0", to: "1.1", expect: clean } as const;
const told = { title: "users", engines: ["postgres", "mariadb"], chain } as const;

test("a path that begins with a dump of another engine is bad input, and so is one that does not say where it stands", async () => {
  const file = dump("theirs.sql", "-- PostgreSQL database dump\n");
  const refusal = (paths: readonly object[]) =>
    rehearse([{ ...told, paths: paths as never }]).catch(({ code, message }) => [code, message]);
  expect(await refusal([{ ...path, dump: file }])).toEqual([
    "bad-input",
    `Cannot rehearse "users#1" on mariadb: "${file.pathname}" is a dump of postgres (say on which engines the path is walked: engines: ["postgres"])`,
  ]);
  expect(await refusal([{ to: "1.1", expect: clean, dump: file }])).toEqual([
    "bad-input",
    'Cannot rehearse scenario "users", path #1: "dump" needs a "from": the release at which the dump stands',
  ]);
  expect(await refusal([{ ...path, dump: "theirs.sql" }])).toEqual([
    "bad-input",
    'Cannot rehearse scenario "users", path #1: "dump" is "theirs.sql"; it may be new URL("./theirs.sql", import.meta.url)',
  ]);
  const none = pathToFileURL("/none.sql");
  expect(await refusal([{ ...path, engines: ["postgres"], dump: none }])).toEqual([
    "bad-input",
    'Cannot read dump "/none.sql": there is no such file',
  ]);
});

test("--dump makes a path of its own, on the engines that the dump may be of", async () => {
  const scenario = { ...told, paths: [path] };
  const file = await dumpAt(dump("theirs.sql", "-- PostgreSQL database dump\n"));
  const chosen = await chosenPaths([{ scenario }], { from: "1.0", dump: file });
  expect([...chosen.values()]).toMatchObject([
    [{ name: "users#1.0..1.1", path: { from: "1.0", to: "1.1", engines: ["postgres"], expect: clean } }],
  ]);
  await expect(chosenPaths([{ scenario }], { engine: ["mariadb"], dump: file })).rejects.toThrow(
    `Cannot rehearse from "${file.file}": it is a dump of postgres, and mariadb was asked for`,
  );
  await expect(chosenPaths([{ scenario, only: new Set(["users#1"]) }], { dump: file })).rejects.toThrow(
    `Cannot rehearse from "${file.file}": a path of its own begins with it, and not users#1 (name the releases: --from <release> --to <release>)`,
  );
  const other = { ...told, engines: ["mariadb"], paths: [path] } as const;
  await expect(chosenPaths([{ scenario: other }], { dump: file })).rejects.toThrow(
    `Cannot rehearse "users#..1.1": "${file.file}" is a dump of postgres, and the scenario is for mariadb`,
  );
});

test("a plan names the dump, and takes what its release ships for applied", async () => {
  const file = dump("theirs.sql", "-- PostgreSQL database dump\n");
  const scenario = { ...told, paths: [{ ...path, engines: ["postgres"], dump: file }] } as const;
  const text = stripVTControlCharacters(planned(await planOf(scenario, "postgres")));
  expect(text).toContain("#1  1.0 (theirs.sql) → 1.1  expected clean\n      1.0 → 1.1\n        2\n");
  const untold = pathFromDump(scenario, await dumpAt(file), undefined, undefined);
  expect(stripVTControlCharacters(planned(await planOf(scenario, "postgres", [untold])))).toContain(
    "  theirs.sql → 1.1  expected clean",
  );
});
