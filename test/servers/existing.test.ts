// A server that somebody runs: databases of our own are made on it and dropped, and nothing else is touched.
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dropLeftover, leftoversOn, reapDatabases } from "../../harness/leftovers.ts";
import { databaseName, markText, newRun } from "../../harness/mark.ts";
import { discreetWorkplace, here, type Somebodys, scenarioFile, somebodys, upgrade, wordOfNobody } from "./somebody.ts";

const limit = { timeout: 120_000 };

const unmet = scenarioFile(
  `"insert into users values (1), (1)"`,
  `[{ from: "1.0", to: "1.1", expect: clean }, { to: "1.0", expect: clean }]`,
);

describe.each([...here.keys()])("a server of %s that somebody runs", limit, (name) => {
  let server: Somebodys;
  beforeAll(async () => {
    server = await somebodys(name);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const only = ["--engine", name];
  const addressed = () => ({ ...at(server), password: server.password });

  it("is rehearsed on when its URL is told, by --server or by a variable that is ours alone", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const byVariable = await work.run(["rehearse", ...only], { environment: server.told });
    const byOption = await work.run(["rehearse", "--server", server.url]);
    for (const { code, stdout, stderr } of [byVariable, byOption]) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(`(existing)\n`);
      expect(stdout).toContain("3 met, 0 unmet, 0 inconclusive");
    }
    expect(await server.sandboxes()).toEqual([]);
    expect(await work.leftBehind()).toEqual([]);
  });

  it.runIf(name === "mariadb")("may have a URL of MySQL, whose scheme it shares", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const ended = await work.run(["rehearse", "--server", server.url.replace(/^\w+/, "mysql")]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/\n {2}mariadb [\d.]+ \(existing\)\n/);
  });

  it("may have its password in the variable of its own clients", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const environment = { [server.engine.passwordVariable]: server.password };
    const bare = server.url.replace(`:${server.password}`, "");
    expect(await work.run(["rehearse", "--server", bare], { environment })).toMatchObject({ code: 0, stderr: "" });
    const { code, stderr } = await work.run(["rehearse", "--server", bare]);
    expect({ code, stderr: stderr.replace(/: .*/s, "") }).toEqual({
      code: 2,
      stderr: `Cannot use the server that --server (${shownOf(server)}) names`,
    });
  });

  it("shows what was kept on it until it is cleaned, and never the password", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": unmet });
    const environment = server.told;
    const first = await work.run(["rehearse", "--keep", "--server", server.url]);
    expect(first.code).toBe(1);
    const kept = await server.sandboxes();
    expect(kept).toHaveLength(1);
    expect(first.stdout).toContain(`/${kept[0]}`);
    expect(first.stdout).toContain(`--server ${shownOf(server).replace(/\/postgres$/, "")}`);
    expect(first.stderr).toMatch(/^What was kept stays up\. To be rid of it: .* doctor --clean --server \S+\n$/);
    expect(first.stderr).toContain(shownOf(server));
    await work.run(["rehearse", ...only], { environment }); // It drops what the dead left.
    expect(await server.sandboxes()).toEqual(kept);
    const looked = await work.run(["doctor", "--server", server.url]);
    expect(looked.code).toBe(0);
    expect(looked.stdout).toMatch(new RegExp(`database ${kept[0]} .* kept\\n`));
    expect(looked.stdout).toContain("doctor --clean removes what is dead or kept\n");
    expect(await server.sandboxes()).toEqual(kept);
    const cleaned = await work.run(["doctor", "--clean", "--server", server.url, "--reporter", "json"]);
    expect(cleaned).toMatchObject({ code: 0, stderr: "" });
    expect(databasesIn(cleaned.stdout)).toEqual([
      {
        what: "database",
        name: kept[0],
        where: shownOf(server).replace(/\/postgres$/, ""),
        state: "kept",
        removed: true,
      },
    ]);
    expect(await server.sandboxes()).toEqual([]);
    const again = await work.run(["doctor", "--clean", "--reporter", "json"], { environment });
    expect(databasesIn(again.stdout)).toEqual([]);
  });

  it("prints no password in JSON either", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": unmet });
    const { code, stdout } = await work.run(["rehearse", "--keep", "--reporter", "json", "--server", server.url]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ met: 1, unmet: 1 });
    expect(await work.run(["doctor", "--clean", "--server", server.url])).toMatchObject({ code: 0 });
    expect(await server.sandboxes()).toEqual([]);
  });

  it("keeps databases of somebody's, whatever they are called, through runs and cleaning", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const theirs = {
      likeOurs: databaseName(newRun(), 1),
      withComment: databaseName(newRun(), 2),
      unlike: `sandbox_${wordOfNobody()}_1`,
      short: "sandbox_1",
    };
    for (const database of Object.values(theirs)) await server.query(`create database ${database}`);
    for (const database of [theirs.likeOurs, theirs.withComment])
      await server.query("create table theirs (id int)", database);
    if (name === "postgres") {
      await server.query(`comment on database ${theirs.withComment} is 'migration-sandbox is tried here'`);
      await server.query(`alter database ${theirs.withComment} allow_connections false`);
    } else {
      const comment = "comment = 'migration-sandbox is tried here'";
      await server.query(`create table _migration_sandbox (id int) ${comment}`, theirs.withComment);
    }
    const before = await server.sandboxes();
    const environment = server.told;
    expect(await work.run(["rehearse", ...only], { environment })).toMatchObject({ code: 0 });
    expect(await work.run(["doctor", "--clean"], { environment })).toMatchObject({ code: 0 });
    const admin = await server.engine.administer(addressed());
    expect(await reapDatabases(admin, newRun())).toEqual([]);
    await admin.end();
    expect(await server.sandboxes()).toEqual(before);
    for (const database of Object.values(theirs)) await server.query(`drop database ${database}`);
  });

  it("is rid of what dead runs left, and of nothing that is alive or kept", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const [dead, alive, kept] = [newRun(), newRun(), newRun()];
    const maker = await server.engine.administer(addressed());
    await maker.hold(alive);
    await maker.create(databaseName(dead, 1), markText({ run: dead, kept: false }));
    await maker.create(databaseName(alive, 1), markText({ run: alive, kept: false }));
    await maker.create(databaseName(kept, 1), markText({ run: kept, kept: true }));
    const looked = await work.run(["doctor", "--reporter", "json", "--server", server.url]);
    expect(statesIn(looked.stdout)).toEqual({
      [databaseName(dead, 1)]: "dead",
      [databaseName(alive, 1)]: "alive",
      [databaseName(kept, 1)]: "kept",
    });
    expect(await work.run(["rehearse", "--server", server.url])).toMatchObject({ code: 0 });
    expect(await server.sandboxes()).toEqual([databaseName(alive, 1), databaseName(kept, 1)].sort());
    await work.run(["doctor", "--clean", "--server", server.url]);
    expect(await server.sandboxes()).toEqual([databaseName(alive, 1)]);
    await maker.end(); // And with it the lock.
    await work.run(["doctor", "--clean", "--server", server.url]);
    expect(await server.sandboxes()).toEqual([]);
  });

  it("is rid of a database whose maker died before it could mark it", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const database = databaseName(newRun(), 1);
    await server.query(`create database ${database}`);
    if (name === "postgres") await server.query(`alter database ${database} allow_connections false`);
    expect(await work.run(["rehearse", "--server", server.url])).toMatchObject({ code: 0 });
    expect(await server.sandboxes()).toEqual([]);
  });

  it("lets two who clean up at once drop each thing once", async () => {
    const runs = Array.from({ length: 4 }, newRun);
    const maker = await server.engine.administer(addressed());
    for (const run of runs) {
      for (const n of [1, 2]) await maker.create(databaseName(run, n), markText({ run, kept: false }));
    }
    await maker.end();
    const reapers = await Promise.all([1, 2, 3].map(() => server.engine.administer(addressed())));
    const reaped = await Promise.all(reapers.map((admin) => reapDatabases(admin, newRun())));
    expect(await server.sandboxes()).toEqual([]);
    expect(reaped.flat().sort()).toEqual(runs.flatMap((run) => [databaseName(run, 1), databaseName(run, 2)]).sort());
    await Promise.all(reapers.map((admin) => admin.end()));
  });

  it("drops nothing whose mark has become another since it was seen", async () => {
    const run = newRun();
    const database = databaseName(run, 1);
    const [one, other] = [await server.engine.administer(addressed()), await server.engine.administer(addressed())];
    await one.create(database, markText({ run, kept: false }));
    const [seen] = await leftoversOn(other);
    await one.remark(database, markText({ run, kept: false }), markText({ run, kept: true }));
    if (seen === undefined) throw new Error("It was not seen");
    await dropLeftover(other, seen);
    expect(await server.sandboxes()).toEqual([database]);
    await other.drop(database, markText({ run, kept: true }));
    expect(await server.sandboxes()).toEqual([]);
    await Promise.all([one.end(), other.end()]);
  });

  function at({ url, engine }: Somebodys) {
    const { hostname: host, port, username: user } = new URL(url.replace(/^\w+/, "http"));
    return {
      host,
      port: Number(port),
      user,
      database: engine.image.maintenance({ host, port: 0, password: "" }).database,
    };
  }
});

describe("variables that may name somebody's production", limit, () => {
  it("are never read", async () => {
    let callers = 0;
    const nobody = createServer((socket) => {
      callers++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
    const { port } = nobody.address() as { port: number };
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const url = (scheme: string) => `${scheme}://me:me@127.0.0.1:${port}/production`;
    const environment = {
      DATABASE_URL: url("postgres"),
      POSTGRES_URL: url("postgres"),
      MYSQL_URL: url("mysql"),
      MARIADB_URL: url("mariadb"),
      JDBC_DATABASE_URL: url("jdbc:postgresql"),
      PGHOST: "127.0.0.1",
      PGPORT: String(port),
      PGUSER: "me",
      PGDATABASE: "production",
      PGPASSWORD: "me",
      MYSQL_HOST: "127.0.0.1",
      MYSQL_TCP_PORT: String(port),
      MYSQL_PWD: "me",
    };
    const local = ["postgres", "mariadb"].filter((name) => here.get(name as "postgres") === "local");
    const asked = local.flatMap((name) => ["--engine", name]);
    expect(await work.run(["rehearse", ...asked], { environment })).toMatchObject({ code: 0, stderr: "" });
    expect(await work.run(["doctor"], { environment })).toMatchObject({ code: 0, stderr: "" });
    expect(callers).toBe(0);
    nobody.close();
  });

  it("change nothing for those that clients read", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const environment = {
      PGOPTIONS: "-c default_transaction_read_only=on -c timezone=Asia/Tokyo",
      PGSSLMODE: "require",
      PGCLIENTENCODING: "LATIN1",
      PGAPPNAME: "somebody",
    };
    const { code, stderr, stdout } = await work.run(["rehearse", "--engine", "postgres"], { environment });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("3 met");
  });
});

/** A URL as a run prints it. */
function shownOf({ url, engine }: Somebodys): string {
  return `${url.replace(/:[^:@]*@/, "@")}${engine.name === "postgres" ? "/postgres" : ""}`;
}

function databasesIn(stdout: string): readonly { readonly name: string; readonly state: string }[] {
  const { left } = JSON.parse(stdout) as { left: readonly { what: string; name: string; state: string }[] };
  return left.filter(({ what }) => what === "database");
}

function statesIn(stdout: string): Readonly<Record<string, string>> {
  return Object.fromEntries(databasesIn(stdout).map(({ name, state }) => [name, state]));
}
