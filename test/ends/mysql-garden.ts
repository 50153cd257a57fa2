import type { Garden, Plant } from "./planted.contract.ts";

const users = `create table users (
    id int auto_increment primary key,
    name varchar(50) not null default 'nobody' comment 'what they are called',
    email varchar(60),
    bio text,
    mood enum('sad', 'ok', 'happy') default 'ok',
    paid decimal(10,2),
    born date,
    seen timestamp null default current_timestamp on update current_timestamp,
    label varchar(60) generated always as (concat(name, '!')) stored,
    constraint users_email_key unique (email),
    key users_born (born) comment 'for birthdays',
    key bio_begins (bio(20)),
    constraint adult check (born < '2010-01-01')
  ) comment 'who uses it';
  create trigger users_touch before insert on users for each row set new.paid = 0;
  create trigger users_last before insert on users for each row set new.bio = 'x';`;
const code = `create function twice(n int) returns int deterministic no sql return n * 2;
  create procedure tidy() begin select 1; end;
  create event nightly on schedule every 1 day do delete from users where id = 7;`;
const rest = `create table entries (id bigint auto_increment primary key, who int, note text,
    constraint entries_who foreign key (who) references users (id) on delete cascade);
  create table \`Odd\`\`Table\` (\`Key Part\` varchar(9) primary key, \`it's\` int);
  create table measures (day date not null, value int not null, primary key (value, day))
    partition by range (value) (partition few values less than (10), partition more values less than (100));
  create view adults as select id, name from users where born is not null;
  insert into users (name, email, seen) values ('ann', 'ann@x', '2020-01-01'), ('bob', null, '2020-01-01');
  insert into entries (who) values (1);
  create user if not exists planted_reader;
  grant select on entries to planted_reader;
  grant update (note) on entries to planted_reader;`;

const plants: readonly Plant[] = [
  [
    "a table that is new",
    "create table pets (id int auto_increment primary key, owner int, constraint owned foreign key (owner) references users (id))",
    "table-differs pets",
  ],
  ["a table that is gone with all that it has", "drop table `Odd``Table`", "table-differs Odd`Table"],
  [
    "a table that others refer to",
    "alter table entries drop foreign key entries_who, drop key entries_who; drop table users",
    "table-differs users",
    "index-differs entries",
  ],
  ["a column that is new", "alter table users add column nick text", "column-differs users.nick"],
  [
    "a column that is gone with its keys and comments",
    "alter table users drop column email",
    "column-differs users.email",
  ],
  [
    "a column that is gone with its index",
    "alter table users drop column bio; drop trigger users_last",
    "column-differs users.bio",
    "trigger-differs users",
  ],
  ["a column's type", "alter table entries modify note varchar(200)", "column-differs entries.note"],
  ["a column's length", "alter table users modify email varchar(70)", "column-differs users.email"],
  ["a column's default", "alter table users alter name set default 'x'", "column-differs users.name"],
  [
    "a column that may be null",
    "alter table users modify name varchar(50) default 'nobody' comment 'what they are called'",
    "column-differs users.name",
  ],
  [
    "an enum's order",
    "alter table users modify mood enum('ok', 'sad', 'happy') default 'ok'",
    "column-differs users.mood",
  ],
  ["a column that is no longer generated", "alter table users modify label varchar(60)", "column-differs users.label"],
  ["a column that is invisible", "alter table users modify paid decimal(10,2) invisible", "column-differs users.paid"],
  [
    "what an update does to a column",
    "alter table users modify seen timestamp null default current_timestamp",
    "column-differs users.seen",
  ],
  [
    "a column's collation",
    "alter table entries modify note text character set utf8mb4 collate utf8mb4_bin",
    "column-differs entries.note",
  ],
  [
    "a column's character set",
    "alter table entries modify note text character set latin1",
    "column-differs entries.note",
  ],
  ["a column that counts no longer", "alter table entries modify id bigint not null", "column-differs entries.id"],
  ["the order of columns", "alter table users modify paid decimal(10,2) after name", "column-order-differs users"],
  [
    "a primary key's order",
    "alter table measures drop primary key, add primary key (day, value)",
    "key-differs measures",
  ],
  [
    "a unique key's columns",
    "alter table users drop key users_email_key, add constraint users_email_key unique (email, name)",
    "key-differs users",
  ],
  ["an index that is new", "create index by_name on users (name)", "index-differs users"],
  ["an index that is gone with its comment", "alter table users drop key users_born", "index-differs users"],
  [
    "an index's order",
    "alter table users drop key users_born, add key users_born (born desc) comment 'for birthdays'",
    "index-differs users",
  ],
  [
    "how much of a text an index has",
    "alter table users drop key bio_begins, add key bio_begins (bio(30))",
    "index-differs users",
  ],
  [
    "an index's method",
    "alter table users drop key bio_begins, add fulltext key bio_begins (bio)",
    "index-differs users",
  ],
  [
    "an index that is unique",
    "alter table users drop key bio_begins, add unique key bio_begins (name(20))",
    "index-differs users",
  ],
  [
    "a check constraint",
    "alter table users drop constraint adult, add constraint adult check (born < '2011-01-01')",
    "check-differs users",
  ],
  ["a foreign key that is gone", "alter table entries drop foreign key entries_who", "foreign-key-differs entries"],
  [
    "a foreign key's action",
    "alter table entries drop foreign key entries_who, add constraint entries_who_null foreign key (who) references users (id) on delete set null",
    "foreign-key-differs entries",
    "foreign-key-differs entries",
  ],
  ["a trigger that is gone", "drop trigger users_last", "trigger-differs users"],
  [
    "what a trigger does",
    "drop trigger users_last; create trigger users_last before insert on users for each row set new.bio = 'y'",
    "trigger-differs users",
  ],
  [
    "the order of triggers",
    "drop trigger users_last; create trigger users_last before insert on users for each row precedes users_touch set new.bio = 'x'",
    "trigger-differs users",
    "trigger-differs users",
  ],
  [
    "a view's query",
    "create or replace view adults as select id, name from users where born < '2000-01-01'",
    "view-differs",
  ],
  [
    "what a view lets in",
    "create or replace view adults as select id, name from users where born is not null with cascaded check option",
    "view-differs",
  ],
  [
    "a function's body",
    "drop function twice; create function twice(n int) returns int deterministic no sql return n + n",
    "function-differs",
  ],
  ["a procedure", "drop procedure tidy", "function-differs"],
  ["how often an event comes", "alter event nightly on schedule every 2 day", "function-differs"],
  ["an event that rests", "alter event nightly disable", "function-differs"],
  ["a comment on a table", "alter table users comment 'others'", "comment-differs users"],
  [
    "a comment on a column that is gone",
    "alter table users modify name varchar(50) not null default 'nobody'",
    "comment-differs users.name",
  ],
  [
    "a comment on an index",
    "alter table users drop key users_born, add key users_born (born) comment 'it''s another'",
    "comment-differs users",
  ],
  [
    "a table's collation",
    "alter table `Odd``Table` default collate utf8mb4_bin",
    "table-differs Odd`Table",
    "column-differs Odd`Table.Key Part",
  ],
  ["a table's row format", "alter table entries row_format = compressed", "table-differs entries"],
  ["a table's engine", "alter table `Odd``Table` engine = myisam", "table-differs Odd`Table"],
  [
    "a partition",
    "alter table measures add partition (partition many values less than maxvalue)",
    "table-differs measures",
  ],
  ["a grant on a table", "grant insert on entries to planted_reader", "grant-differs entries"],
  ["a grant on a column", "revoke update (note) on entries from planted_reader", "grant-differs entries.note"],
  ["the character set of the database", "alter database character set latin1", "options-differ"],
  ["the collation of the database", "alter database collate utf8mb4_bin", "options-differ"],
  [
    "two causes at once",
    "alter table users drop key users_born; alter table entries comment 'x'",
    "index-differs users",
    "comment-differs entries",
  ],
  ["rows", "update users set born = '2000-01-01' where id = 1", "rows-differ users"],
];

/** What MySQL and MariaDB grow alike. */
export const mysqlGarden: Garden = {
  schema: [users, code, rest].join("\n"),
  otherwise: [
    "create table `Odd``Table` (`Key Part` varchar(9) primary key, `it's` int);",
    users,
    rest.replace(/create table `Odd.*\n/, ""),
    code,
  ].join("\n"),
  plants,
  tidy: "drop user planted_reader",
  drawn: [
    [
      "a row that was taken back",
      "insert into entries (who) values (2); delete from entries where who = 2",
      "position-differs entries",
    ],
    ["a number that was told", "alter table users auto_increment = 77", "position-differs users"],
  ],
  nothing: [
    ["a column that came and went", "alter table entries add column gone text; alter table entries drop column gone"],
    ["a table that was rebuilt", "alter table entries force"],
    [
      "an index that says what any is",
      "alter table users drop key users_born, add key users_born (born) using btree comment 'for birthdays'",
    ],
    ["statistics that were taken", "analyze table users, entries"],
    ["a table that a session made for itself", "create temporary table scratch (id int)"],
  ],
};
