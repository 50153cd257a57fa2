import { type EngineName, engineNames, forEngine, type PerEngine } from "../../harness/database.ts";

/** A migration, told in no tool's own way. */
export interface Link {
  /** Tools sort by it. */
  readonly number: number;
  readonly name: string;
  /** One statement each. */
  readonly says: readonly string[];
  /** It asks its tool for no transaction. */
  readonly alone?: true;
  /** Between its `DELIMITER`s, as the mysql client wants bodies. */
  readonly delimited?: true;
  /** What its file begins with, or has at the end of each line, as editors leave them there. */
  readonly bytes?: "mark" | "crlf";
}

/** A product's upgrades: what each release ships, all that came before it included. */
export interface Chain {
  readonly title: string;
  readonly engines: readonly EngineName[];
  releases(engine: EngineName): readonly (readonly Link[])[];
  /** A chain whose last release fails: this one has it as its last but one. */
  readonly failsAlready?: "fails";
}

const users: Link = {
  number: 1,
  name: "users",
  says: [
    "create table users (id int primary key, name varchar(80) not null, größe int)",
    "insert into users (id, name) values (1, 'Ada; the first'), (2, 'Zoë -- ''🜛''')",
  ],
};
const single: Link = {
  number: 1,
  name: "users",
  says: ["create table users (id int primary key, name varchar(80))"],
};

/** Those that have names in tests and tables, in the order of the tables' rows. */
export const chains = {
  releases: {
    title: "two releases: tables, keys, rows, a view, names beyond ASCII",
    engines: engineNames,
    releases: () => [
      [users],
      [users, posts, { number: 10, name: "views", says: ["create view größen as select id, größe from users"] }],
    ],
  },
  bodies: {
    title: "functions and triggers with `;` in their bodies",
    engines: engineNames,
    releases: (engine) => [[single, { number: 2, name: "bodies", says: forEngine(bodies, engine) ?? [] }]],
  },
  delimited: {
    title: "the same with `DELIMITER`",
    engines: ["mysql", "mariadb"],
    releases: (engine) => [
      [single, { number: 2, name: "bodies", says: forEngine(bodies, engine) ?? [], delimited: true }],
    ],
  },
  skipped: {
    title: "an enum's value added and used, both in one run",
    engines: ["postgres"],
    releases: () => [[mood], [mood, added, used]],
  },
  stepwise: {
    title: "the same, a release at a time",
    engines: ["postgres"],
    releases: () => [[mood], [mood, added], [mood, added, used]],
  },
  concurrently: {
    title: "`CREATE INDEX CONCURRENTLY`, asking for no transaction",
    engines: ["postgres"],
    releases: () => [[single, { ...index, alone: true }]],
  },
  enclosed: {
    title: "the same without asking",
    engines: ["postgres"],
    releases: () => [[single, index]],
  },
  fails: {
    title: "the third of four fails in its middle",
    engines: engineNames,
    releases: () => [[single], failing],
  },
  again: {
    title: "the same, started once more",
    engines: engineNames,
    releases: () => [[single], failing, failing],
    failsAlready: "fails",
  },
  several: {
    title: "two statements where one message is sent",
    engines: engineNames,
    releases: () => [[single, { number: 2, name: "two", says: [`${inserted(1)};\n${inserted(2)}`] }]],
  },
  empty: {
    title: "a migration that says nothing",
    engines: engineNames,
    releases: () => [[single, { number: 2, name: "nothing", says: [] }]],
  },
  comment: {
    title: "one that is a comment",
    engines: engineNames,
    releases: () => [[single, { number: 2, name: "comment", says: ["-- nothing to do any more"] }]],
  },
  mark: {
    title: "a byte order mark",
    engines: engineNames,
    releases: () => [[single, { ...filled, bytes: "mark" }]],
  },
  crlf: {
    title: "lines that end in `\\r\\n`",
    engines: engineNames,
    releases: () => [
      [
        { ...users, bytes: "crlf" },
        { number: 2, name: "poem", says: ["update users\n  set name = 'a\nb'"], bytes: "crlf" },
      ],
    ],
  },
  late: {
    title: "one that is older than what was applied",
    engines: engineNames,
    releases: () => [
      [single, later],
      [single, filled, later],
    ],
  },
  edited: {
    title: "one edited after it was applied",
    engines: engineNames,
    releases: () => [[single], [{ ...single, says: [...single.says, "create table edited (id int)"] }, filled]],
  },
  removed: {
    title: "one removed after it was applied",
    engines: engineNames,
    releases: () => [
      [single, filled],
      [single, later],
    ],
  },
  thousand: {
    title: "1,000 migrations",
    engines: ["postgres"],
    releases: () => [
      [single, ...Array.from({ length: 999 }, (_, i) => ({ number: i + 2, name: "row", says: [inserted(i)] }))],
    ],
  },
  large: {
    title: "20 MB of rows",
    engines: ["postgres"],
    releases: () => [[single, { number: 2, name: "rows", says: manyRows() }]],
  },
} as const satisfies { readonly [name: string]: Chain };

export type ChainName = keyof typeof chains;

const posts: Link = {
  number: 2,
  name: "posts-größe",
  says: [
    "create table posts (id int primary key, by_user int not null, constraint posts_by foreign key (by_user) references users (id))",
    "create index posts_by_user on posts (by_user)",
    "insert into posts (id, by_user) values (1, 1), (2, 2)",
    "alter table users add column born date",
    "update users set größe = 170 where id = 2",
  ],
};

const bodies: PerEngine<readonly string[]> = {
  postgres: [
    "create function twice(n int) returns int language plpgsql as $body$ begin n := n * 2; return n; end $body$",
    `create function shout() returns trigger language plpgsql as $$ begin new.name := upper(new.name); return new; end; $$`,
    "create trigger loud before insert on users for each row execute function shout()",
    "insert into users (id, name) values (twice(4), 'ada')",
  ],
  mysql: [
    "create trigger loud before insert on users for each row begin set new.name = upper(new.name); set new.id = new.id * 2; end",
    "create procedure fill() begin insert into users (id, name) values (4, 'ada'); insert into users (id, name) values (5, 'bob'); end",
    "call fill()",
  ],
};

const mood: Link = {
  number: 1,
  name: "mood",
  says: [
    "create type mood as enum ('sad', 'ok')",
    "create table people (id int primary key, mood mood not null default 'ok')",
  ],
};
const added: Link = { number: 2, name: "happy", says: ["alter type mood add value 'happy'"] };
const used: Link = { number: 3, name: "all-happy", says: ["alter table people alter column mood set default 'happy'"] };

const index: Link = { number: 2, name: "index", says: ["create index concurrently users_name on users (name)"] };

function inserted(id: number): string {
  return `insert into users (id, name) values (${id}, 'user ${id}')`;
}

const filled: Link = { number: 2, name: "rows", says: [inserted(1)] };
const twin: Link = {
  number: 3,
  name: "twin",
  says: ["create table half (id int)", inserted(2), inserted(1), inserted(3)],
};
const failing: readonly Link[] = [
  single,
  filled,
  twin,
  { number: 4, name: "after", says: ["create table later (id int)"] },
];
const later: Link = { number: 3, name: "later", says: ["create table later (id int)"] };

function manyRows(): readonly string[] {
  const body = "x".repeat(10_000);
  const rows = (from: number) => Array.from({ length: 100 }, (_, i) => `(${from + i}, '${body}')`).join(", ");
  const inserts = Array.from({ length: 20 }, (_, i) => `insert into notes (id, body) values ${rows(i * 100)}`);
  return ["create table notes (id int primary key, body text)", ...inserts];
}

/** The text of a file as an editor would save it. */
export function saved(text: string, { bytes }: Link): string {
  if (bytes === "mark") return `\uFEFF${text}`;
  return bytes === "crlf" ? text.replaceAll("\n", "\r\n") : text;
}

/** All that a migration says, as SQL. */
export function sqlOf({ says, delimited }: Link): string {
  if (delimited) return `delimiter //\n${says.map((statement) => `${statement} //\n`).join("")}delimiter ;\n`;
  return says
    .map((statement) => `${statement};\n`)
    .join("")
    .replace(/^(--.*);$/gm, "$1");
}
