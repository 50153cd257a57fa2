import type { EngineName } from "../../harness/database.ts";

/** SQL that is easily split wrong, and what the engine's client makes of it: statements, and rows behind them. */
export interface Awkward {
  readonly what: string;
  readonly engine: EngineName;
  readonly sql: string;
  readonly statements: readonly (string | readonly [sql: string, rows: string])[];
}

const r = String.raw;

const postgres: readonly Omit<Awkward, "engine">[] = [
  { what: "nothing", sql: "", statements: [] },
  { what: "only comments", sql: "-- a;\n/* b; */\n", statements: [] },
  { what: "empty statements", sql: ";;\nselect 1;;\n ; ", statements: ["select 1"] },
  { what: "no semicolon at the end", sql: "select 1;\nselect 2", statements: ["select 1", "select 2"] },
  { what: "two statements on a line", sql: "select 1;select 2;", statements: ["select 1", "select 2"] },
  { what: "a semicolon in a string", sql: "select 'a;b'; select 2", statements: ["select 'a;b'", "select 2"] },
  { what: "doubled quotes", sql: "select 'it''s;'; select 2", statements: ["select 'it''s;'", "select 2"] },
  {
    what: "a backslash that escapes nothing",
    sql: r`select 'C:\'; select 2`,
    statements: [r`select 'C:\'`, "select 2"],
  },
  {
    what: "a quote escaped in an E string",
    sql: r`select E'\';'; select 2`,
    statements: [r`select E'\';'`, "select 2"],
  },
  {
    what: "a backslash escaped in an E string",
    sql: r`select e'\\'; select 2`,
    statements: [r`select e'\\'`, "select 2"],
  },
  {
    what: "an E string that goes on below",
    sql: "select E'a'\n  '\\';'; select 2",
    statements: ["select E'a'\n  '\\';'", "select 2"],
  },
  {
    what: "a type that ends in e before a string",
    sql: r`select date'2020-01-01', name'\'; select 2`,
    statements: [r`select date'2020-01-01', name'\'`, "select 2"],
  },
  { what: "a quoted name", sql: 'select 1 as "a;""b\'"; select 2', statements: ['select 1 as "a;""b\'"', "select 2"] },
  {
    what: "a semicolon in a line comment",
    sql: "select 1 -- a; b'\n; select 2",
    statements: ["select 1 -- a; b'", "select 2"],
  },
  {
    what: "a comment behind an operator",
    sql: "select 1 +-- ;\n 1; select 2",
    statements: ["select 1 +-- ;\n 1", "select 2"],
  },
  {
    what: "a semicolon in a comment",
    sql: "select /* ; ' */ 1; select 2",
    statements: ["select /* ; ' */ 1", "select 2"],
  },
  {
    what: "comments within comments",
    sql: "select 1 /* a /* b */ ; ' */; select 2",
    statements: ["select 1 /* a /* b */ ; ' */", "select 2"],
  },
  {
    what: "a comment within a comment above a statement",
    sql: "/* was: /* old */ drop table t; */ select 1",
    statements: ["select 1"],
  },
  { what: "dollar quotes", sql: "do $$ begin; end $$; select 2", statements: ["do $$ begin; end $$", "select 2"] },
  {
    what: "dollar quotes within dollar quotes",
    sql: "do $a$ x := $$;$$; '$b$' $a$; select 2",
    statements: ["do $a$ x := $$;$$; '$b$' $a$", "select 2"],
  },
  { what: "a tag within a string", sql: "select '$a$;'; select '$a$'", statements: ["select '$a$;'", "select '$a$'"] },
  { what: "a tag of other letters", sql: "select $ä$;$ä$; select 2", statements: ["select $ä$;$ä$", "select 2"] },
  {
    what: "dollars within a name",
    sql: "create table a$$b (c int); create table d$$e (f int)",
    statements: ["create table a$$b (c int)", "create table d$$e (f int)"],
  },
  {
    what: "a parameter and not a tag",
    sql: "prepare p as select $1; prepare q as select $1+$2; select 2",
    statements: ["prepare p as select $1", "prepare q as select $1+$2", "select 2"],
  },
  {
    what: "a rule of several commands",
    sql: "create rule r as on insert to t do (delete from a; delete from b); select 2",
    statements: ["create rule r as on insert to t do (delete from a; delete from b)", "select 2"],
  },
  {
    what: "a body of BEGIN ATOMIC",
    sql: "create or replace function f() returns int begin atomic\n select 1; select case when true then 2 end;\nend; select 3",
    statements: [
      "create or replace function f() returns int begin atomic\n select 1; select case when true then 2 end;\nend",
      "select 3",
    ],
  },
  {
    what: "a procedure of BEGIN ATOMIC whose columns are named end",
    sql: 'create procedure p() begin atomic select 1 as end; insert into t ("end") values (2); end; select 3',
    statements: [
      'create procedure p() begin atomic select 1 as end; insert into t ("end") values (2); end',
      "select 3",
    ],
  },
  {
    what: "BEGIN and END of a transaction",
    sql: "begin; select 1; end; select 2",
    statements: ["begin", "select 1", "end", "select 2"],
  },
  {
    what: "COPY and its rows",
    sql: r`copy public.t (a, b) from stdin;
1	it's; "so
\\.	\N
\.

select 2;
`,
    statements: [["copy public.t (a, b) from stdin", "1\tit's; \"so\n\\\\.\t\\N\n"], "select 2"],
  },
  {
    what: "COPY of no rows",
    sql: "COPY t FROM stdin;\n\\.\nselect 2;",
    statements: [["COPY t FROM stdin", ""], "select 2"],
  },
  {
    what: "COPY that is written over lines and with options",
    sql: "copy t (a)\n  from STDIN -- here\n  with (format csv);\n1;\n$$,'\n\\.\n",
    statements: [["copy t (a)\n  from STDIN -- here\n  with (format csv)", "1;\n$$,'\n"]],
  },
  {
    what: "COPY with a comment behind it and line ends of Windows",
    sql: "copy t from stdin; -- rows:\r\n1\r\n\\.\r\nselect 2;\r\n",
    statements: [["copy t from stdin", "1\r\n"], "select 2"],
  },
  {
    what: "COPY out, and a table named copy",
    sql: "copy (select 1 from stdin) to stdout; select 1 from copy, stdin; select 2",
    statements: ["copy (select 1 from stdin) to stdout", "select 1 from copy, stdin", "select 2"],
  },
  {
    what: "psql's own copy, with rows",
    sql: "\\copy t from stdin\n1\n\\.\nselect 2",
    statements: [["copy t from stdin", "1\n"], "select 2"],
  },
  {
    what: "a semicolon that ends nothing",
    sql: r`select 1\; select 2; select 3`,
    statements: ["select 1 ; select 2", "select 3"],
  },
  { what: "line ends of Windows", sql: "select 1;\r\n-- a;\r\nselect 2;\r\n", statements: ["select 1", "select 2"] },
  { what: "other scripts", sql: "select 'ü;😀' as é; select 'ß'", statements: ["select 'ü;😀' as é", "select 'ß'"] },
  {
    what: "a cast and an operator of signs",
    sql: "select a::text, b ?| c, d <-> e; select 2",
    statements: ["select a::text, b ?| c, d <-> e", "select 2"],
  },
  {
    what: "a string of Unicode escapes",
    sql: r`select U&'\0041;'; select 2`,
    statements: [r`select U&'\0041;'`, "select 2"],
  },
];

const mysql: readonly Omit<Awkward, "engine">[] = [
  { what: "empty statements", sql: ";;\nselect 1;;\n ; ", statements: ["select 1"] },
  { what: "a quote escaped", sql: r`select 'it\'s;'; select 2`, statements: [r`select 'it\'s;'`, "select 2"] },
  { what: "doubled quotes", sql: "select 'it''s;'; select 2", statements: ["select 'it''s;'", "select 2"] },
  { what: "a backslash escaped", sql: r`select 'C:\\'; select 2`, statements: [r`select 'C:\\'`, "select 2"] },
  {
    what: "a string in double quotes",
    sql: r`select "a;\";""'"; select 2`,
    statements: [r`select "a;\";""'"`, "select 2"],
  },
  { what: "a quoted name", sql: "select 1 as `a;``'\\`; select 2", statements: ["select 1 as `a;``'\\`", "select 2"] },
  { what: "a comment behind #", sql: "select 1 # a; it's\n; select 2", statements: ["select 1 # a; it's", "select 2"] },
  {
    what: "a comment behind --",
    sql: "select 1 -- a; it's\n; select 2",
    statements: ["select 1 -- a; it's", "select 2"],
  },
  { what: "a comment of nothing but --", sql: "--\nselect 1;\n--\t;\nselect 2", statements: ["select 1", "select 2"] },
  { what: "minus minus", sql: "select 3--1; select 2", statements: ["select 3--1", "select 2"] },
  {
    what: "comments do not nest",
    sql: "select 1 /* a /* ; */; select 2",
    statements: ["select 1 /* a /* ; */", "select 2"],
  },
  {
    what: "code for certain versions",
    sql: "/*!40101 SET NAMES utf8mb4 */;\n/*M!100401 set @a = ';' */;\nselect 2",
    statements: ["/*!40101 SET NAMES utf8mb4 */", "/*M!100401 set @a = ';' */", "select 2"],
  },
  {
    what: "a hint",
    sql: "select /*+ no_merge(t) ; */ 1; select 2",
    statements: ["select /*+ no_merge(t) ; */ 1", "select 2"],
  },
  {
    what: "DELIMITER",
    sql: "DELIMITER //\ncreate procedure p() begin select 1; select 2; end//\nDELIMITER ;\nselect 3;",
    statements: ["create procedure p() begin select 1; select 2; end", "select 3"],
  },
  {
    what: "DELIMITER with a comment behind it",
    sql: "delimiter $$ -- from here\ncreate procedure p() select 1; $$\n  delimiter ; -- and back\nselect 3;",
    statements: ["create procedure p() select 1;", "select 3"],
  },
  {
    what: "DELIMITER in quotes and of letters",
    sql: "DELIMITER 'go'\nselect 'go'; select 2 go\nDELIMITER ;\nselect 3;",
    statements: ["select 'go'; select 2", "select 3"],
  },
  {
    what: "DELIMITER behind the last delimiter",
    sql: "DELIMITER //\nselect 1// select 2// DELIMITER ;\nselect 3;",
    statements: ["select 1", "select 2", "select 3"],
  },
  {
    what: "DELIMITER within a statement, as both clients have it",
    sql: "DELIMITER //\ncreate procedure p() begin select 1; end\nDELIMITER ;\nselect 3;",
    statements: ["create procedure p() begin select 1; end\nDELIMITER ;\nselect 3;"],
  },
  {
    what: "the delimiter in a string, and what looks like a comment",
    sql: "DELIMITER //\nselect 'http://a'; /* // */ select 1 //\nDELIMITER #\nselect 2# select 3#\n",
    statements: ["select 'http://a'; /* // */ select 1", "select 2", "select 3"],
  },
  {
    what: "DELIMITER and line ends of Windows",
    sql: "DELIMITER ;;\r\nselect 1; select 2;;\r\nDELIMITER ;\r\nselect 3;\r\n",
    statements: ["select 1; select 2", "select 3"],
  },
  {
    what: "a column named delimiter",
    sql: "create table t (id int,\n  delimiter varchar(5),\n  a int); select 2",
    statements: ["create table t (id int,\n  delimiter varchar(5),\n  a int)", "select 2"],
  },
  {
    what: "a body without DELIMITER",
    sql: "create procedure p()\nbegin\n  if true then select 1; end if;\n  select case when 1 then 2 end;\nend;\nselect 3;",
    statements: [
      "create procedure p()\nbegin\n  if true then select 1; end if;\n  select case when 1 then 2 end;\nend",
      "select 3",
    ],
  },
  {
    what: "a trigger of a dump",
    sql: "DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET NEW.b = 1; END */;;\nDELIMITER ;\nselect 2;",
    statements: [
      "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET NEW.b = 1; END */",
      "select 2",
    ],
  },
  {
    what: "a trigger of one statement",
    sql: "create trigger t before insert on a for each row set new.b = 1; select 2",
    statements: ["create trigger t before insert on a for each row set new.b = 1", "select 2"],
  },
  {
    what: "BEGIN of a transaction",
    sql: "begin; select 1; commit; select 2",
    statements: ["begin", "select 1", "commit", "select 2"],
  },
  {
    what: "other ways to end a statement",
    sql: r`select 1\G select \N\g select 2`,
    statements: ["select 1", r`select \N`, "select 2"],
  },
  { what: "USE without a delimiter", sql: "use mysql\nselect 1;", statements: ["use mysql", "select 1"] },
  {
    what: "the first line of a dump of MariaDB",
    sql: "/*M!999999\\- enable the sandbox mode */ \n-- dump\nselect 1;",
    statements: ["select 1"],
  },
  { what: "other scripts", sql: "select 'ü;😀' as é; select 'ß'", statements: ["select 'ü;😀' as é", "select 'ß'"] },
];

export const awkwardSql: readonly Awkward[] = [
  ...postgres.map((sql) => ({ ...sql, engine: "postgres" as const })),
  ...mysql.map((sql) => ({ ...sql, engine: "mysql" as const })),
];
