import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineName } from "../../harness/database.ts";
import { endKnex, openStage, type Sandbox } from "../../harness/sandbox.ts";
import { type Seeder, seeder, sow } from "../../harness/seeder.ts";
import { haveServer } from "../../harness/servers/had.ts";
import { believable } from "../../harness/traits/believable.ts";
import { oneToMany } from "../../harness/traits/one-to-many.ts";
import { compare, type Figure, timed } from "./figure.ts";

const tables = ["users", "posts", "comments"] as const;
const counts = { users: 10_000, posts: 30_000, comments: 60_000 };
const targets = { postgres: 1.4, mariadb: 1.5, mysql: 1.5 };

/**
 * Sowing 100,000 related rows, made while they are written, against the engine's own client, which sends the same rows out of
 * files over a session that is open already. Foreign keys hold in both.
 */
export async function* sowing(): AsyncGenerator<Figure> {
  for (const name of ["postgres", "mariadb", "mysql"] as const) {
    const server = await haveServer({ engine: name });
    const folder = mkdtempSync(join(tmpdir(), "sowing-"));
    try {
      const stage = await openStage(server);
      const sandbox = await stage.create();
      const session = await sandbox.connect();
      await session.script(schemaOf(name));
      const db = await sandbox.knex();
      const { engine } = sandbox;
      await sow(manyRows, { db, engine, seed: 1 });
      const client = clientOf(name, sandbox);
      for (const table of tables) await client.save(table, join(folder, table));
      const emptied = async (fill: () => Promise<unknown>) => {
        await session.script(name === "postgres" ? "truncate users, posts, comments" : truncated);
        const elapsed = await timed(fill);
        const [found] = await session.query("select count(*) as n from comments");
        if (Number(found?.n) !== counts.comments) throw new Error(`${found?.n} comments were written`);
        return elapsed;
      };
      yield await compare(
        {
          name: `sowing, ${name} (${server.kind})`,
          what: "100,000 related rows of 8 columns, made meanwhile",
          floor: `${name === "postgres" ? "COPY" : "LOAD DATA LOCAL"} of the same rows, prepared`,
          target: targets[name],
        },
        {
          rounds: 9,
          ours: () => emptied(() => sow(manyRows, { db, engine, seed: 1 })),
          floor: () =>
            emptied(async () => {
              for (const table of tables) await client.load(table, join(folder, table));
            }),
        },
      );
      client.end();
      await endKnex(db);
      await session.end();
      await sandbox.drop();
      await stage.leave();
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  }
}

const truncated = `set foreign_key_checks = 0; ${tables.map((table) => `truncate ${table}`).join("; ")}; set foreign_key_checks = 1`;

const manyRows: Seeder = seeder("100,000 related rows", async (soil) => {
  const { plant, random } = soil;
  const name = believable(soil, (faker) => faker.person.fullName());
  const email = believable(soil, (faker) => faker.internet.email(), { unique: true });
  const city = believable(soil, (faker) => faker.location.city());
  const words = believable(soil, (faker) => faker.lorem.sentence());
  const text = believable(soil, (faker) => faker.lorem.paragraph());
  const moment = believable(soil, (faker) => faker.date.past().toISOString().slice(0, 19).replace("T", " "));
  const ip = believable(soil, (faker) => faker.internet.ipv4());
  const below = (n: number) => Math.floor(random() * n);
  const users = Array.from({ length: counts.users }, (_, i) => ({ id: i + 1 }));
  const people = oneToMany(users, [1], ({ id }) => ({
    id,
    name: name(),
    email: email(),
    city: city(),
    bio: words(),
    created_at: moment(),
    active: below(2),
    score: below(1000),
  }));
  await plant("users", people);
  const posts = oneToMany(users, [0, 1, 2, 9], (user, i) => ({
    id: i + 1,
    author_id: user.id,
    title: words(),
    body: text(),
    state: "live",
    created_at: moment(),
    views: below(10_000),
    rating: below(500) / 100,
  }));
  await plant("posts", posts);
  const postIds = Array.from({ length: counts.posts }, (_, i) => i + 1);
  const comments = oneToMany(postIds, [0, 1, 2, 5], (post, i) => ({
    id: i + 1,
    post_id: post,
    author_id: below(counts.users) + 1,
    body: words(),
    created_at: moment(),
    likes: below(100),
    flagged: below(2),
    ip: ip(),
  }));
  await plant("comments", comments);
});

function schemaOf(name: EngineName): string {
  const moment = name === "postgres" ? "timestamp" : "datetime";
  return `create table users (id int primary key, name varchar(100) not null, email varchar(100) not null unique, city varchar(100),
      bio text, created_at ${moment} not null, active smallint not null, score int);
    create table posts (id int primary key, author_id int not null, title varchar(200), body text, state varchar(20),
      created_at ${moment} not null, views int, rating decimal(4, 2), foreign key (author_id) references users (id));
    create table comments (id int primary key, post_id int not null, author_id int not null, body text,
      created_at ${moment} not null, likes int, flagged smallint, ip varchar(40),
      foreign key (post_id) references posts (id), foreign key (author_id) references users (id))`;
}

interface PlainClient {
  save(table: string, file: string): Promise<void>;
  load(table: string, file: string): Promise<void>;
  end(): void;
}

/** The engine's own client, in a session that stays open: it does one thing after the other, and says when it has. */
function clientOf(name: EngineName, { address }: Sandbox): PlainClient {
  const { host, port, user, password, database } = address;
  const env = { ...process.env, PGPASSWORD: password, MYSQL_PWD: password };
  if (name === "postgres") {
    const args = ["-X", "-q", "-h", host, "-p", `${port}`, "-U", user, database];
    const { tell, end } = conversation("psql", args, env);
    return {
      save: (table, file) => tell(`\\copy ${table} to '${file}'\n\\echo done`),
      load: (table, file) => tell(`\\copy ${table} from '${file}'\n\\echo done`),
      end,
    };
  }
  const program = "mariadb"; // It speaks to both products.
  const where = [
    "--no-defaults",
    "--protocol=tcp",
    `--host=${host}`,
    `--port=${port}`,
    `--user=${user}`,
    "--batch",
    "-N",
  ];
  const { tell, end } = conversation(program, [...where, "--local-infile=1", "--unbuffered", database], env);
  return {
    async save(table, file) {
      // In batches it writes what LOAD DATA reads, NULL aside, of which there is none.
      const args = [...where, `--execute=select * from ${table}`, database];
      const { status } = spawnSync(program, args, { env, stdio: ["ignore", openSync(file, "w"), "inherit"] });
      if (status !== 0) throw new Error(`The rows of ${table} could not be saved`);
    },
    load: (table, file) =>
      tell(`load data local infile '${file}' into table ${table} character set utf8mb4;\nselect 'done';`),
    end,
  };
}

function conversation(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const client = spawn(program, args, { env });
  let failed = "";
  client.stderr.on("data", (piece: Buffer) => {
    failed += piece.toString();
  });
  const ended = once(client, "exit").then(() => {
    throw new Error(`${program} ended: ${failed}`);
  });
  ended.catch(() => {}); // In the end it does.
  const done = () =>
    new Promise<void>((resolve, reject) => {
      let last = "";
      const hear = (piece: Buffer) => {
        last = (last + piece.toString()).slice(-200);
        if (!/(^|\n)done\s*$/.test(last)) return;
        client.stdout.off("data", hear);
        if (failed === "") resolve();
        else reject(new Error(failed));
      };
      client.stdout.on("data", hear);
    });
  const tell = (commands: string) => {
    client.stdin.write(`${commands}\n`);
    return Promise.race([ended, done()]);
  };
  return { tell, end: () => void client.stdin.end() };
}
