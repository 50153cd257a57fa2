// A server that cannot be used, or a name that is none: one message with the way out, exit code 2, and nothing made.
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Session } from "../../harness/engines/engine.ts";
import type { Ended, Workplace } from "../command.ts";
import { discreetWorkplace, here, type Somebodys, secret, somebodys, upgrade } from "./somebody.ts";

const limit = { timeout: 120_000 };
const files = { "scenarios/users.ts": upgrade };

describe.each([...here.keys()])("a server of %s that cannot be used", limit, (name) => {
  let server: Somebodys;
  beforeAll(async () => {
    server = await somebodys(name);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const pg = name === "postgres";

  it("since the password is wrong", async () => {
    expect(await refusal(server.urlWith({ password: secret() }))).toMatch(
      new RegExp(
        `: it does not let us in: .* \\(is the password right\\? ${server.engine.passwordVariable} may hold it\\)\\n$`,
      ),
    );
  });

  it("since nobody answers there", async () => {
    const port = await closedPort();
    expect(await refusal(server.urlWith({ port }))).toMatch(
      /: it does not answer: connect ECONNREFUSED .* \(is it running, and is the host and the port right\?\)\n$/,
    );
  });

  it("since its host is not known", async () => {
    expect(await refusal(server.urlWith({ host: "nowhere.invalid" }))).toMatch(
      /: it does not answer: getaddrinfo \w+ nowhere\.invalid \(is it running, and is the host and the port right\?\)\n$/,
    );
  });

  it("since whoever answers there hangs up", async () => {
    const nobody = createServer((socket) => socket.destroy());
    const port = await listening(nobody);
    expect(await refusal(server.urlWith({ port }))).toMatch(/: it does not answer: /);
    nobody.close();
  });

  it("since we may not make databases on it", async () => {
    const url = await asUser("reader", { rights: "" });
    expect(await refusal(url)).toMatch(
      pg
        ? /: user "reader" may not create databases there \(alter role "reader" createdb\)\n$/
        : /: user "reader" may not create databases there \(grant all on \*\.\* to 'reader'@'%'\)\n$/,
    );
  });

  it("since it is told a database that somebody uses", async () => {
    await server.query("create database production");
    await server.query("create table theirs (id int primary key)", "production");
    expect(await refusal(server.urlWith({ database: "production" }))).toMatch(
      new RegExp(
        `: database "production" holds a table of somebody's\\. Nothing would be done to it, but name the server alone: ` +
          `sandboxes are databases of their own \\(${name}://user:password@host:\\d+\\)\\n$`,
      ),
    );
    expect(await server.query("select count(*) as n from theirs", "production")).toHaveLength(1);
    await server.query("drop database production");
  });

  it("since it is told a database that there is not", async () => {
    expect(await refusal(server.urlWith({ database: "nowhere" }))).toMatch(/"?'?nowhere"?'?/);
  });

  it("since it takes no writes", async () => {
    const [on, off] = pg
      ? ["alter system set default_transaction_read_only = on", "alter system set default_transaction_read_only = off"]
      : ["set global read_only = 1", "set global read_only = 0"];
    const session = await server.connect();
    await session.query(on);
    if (pg) await session.query("select pg_reload_conf()");
    try {
      expect(await refusal(server.url)).toMatch(
        /: it takes no writes: it is a replica, or was told to be read-only; name the server that it follows\n$/,
      );
    } finally {
      if (pg) await session.query("set default_transaction_read_only = off");
      await session.query(off);
      if (pg) await session.query("select pg_reload_conf()");
      await session.end();
    }
  });

  it("since it takes no more connections", async () => {
    const url = await asUser("crowd", { rights: "all", connections: 1 });
    const held = await connectAs("crowd", url);
    expect(await refusal(url)).toMatch(/: it takes no more connections: .* \(end some, or raise max_connections\)\n$/);
    await held.end();
  });

  it("since it takes no more connections in the middle", async () => {
    // Two are enough on PostgreSQL: one of ours, and one at a time in a sandbox.
    const url = await asUser("narrow", { rights: "all", connections: pg ? 1 : 2 });
    await using work = await discreetWorkplace(files);
    const { code, stdout, stderr } = await work.run(["rehearse", "--server", url]);
    expect(stdout + stderr).toMatch(
      /Cannot go on.*: the server takes no more connections \(.*\); end some, or raise its max_connections\n/,
    );
    expect(code).toBe(2);
    expect(await work.leftBehind()).toEqual([]);
    expect(await server.sandboxes()).toEqual([]);
  });

  const others = [...here.keys()].filter((other) => other !== name);
  // Together: a client of PostgreSQL waits for long before it gives up on a server that speaks first.
  it.concurrent.each(others)("since a URL of %s names it", async (other) => {
    await using work = await discreetWorkplace(files);
    const url = server.url.replace(/^\w+/, other);
    const variable = `SANDBOX_${other.toUpperCase()}_URL`;
    const ended = await work.run(["rehearse", "--engine", other], { environment: { [variable]: url } });
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    const start = `Cannot use the server that ${variable} (`;
    expect(ended.stderr.slice(0, start.length)).toBe(start);
    if (!pg && other !== "postgres")
      expect(ended.stderr).toMatch(/: it is no \w+ \(it says it is [\d.]+\); name it as what it is\n$/);
  });

  /** What a run says that is told this URL; it must end with 2, and leave nothing. */
  async function refusal(url: string): Promise<string> {
    await using work = await discreetWorkplace(files);
    const ended = await work.run(["rehearse", "--server", url]);
    await isRefused(ended, work);
    expect(ended.stderr).toMatch(/^Cannot use the server that --server \(\w+:\/\/\S+\) names: [^\n]+\n$/);
    expect(await server.sandboxes()).toEqual([]);
    const health = await work.run(["doctor", "--server", url]);
    expect(health.code).toBe(2); // Otherwise it would seem that nothing is left there.
    expect(health.stderr).toMatch(/^Cannot /);
    return ended.stderr;
  }

  async function asUser(
    user: string,
    { rights, connections }: { rights: "" | "all"; connections?: number },
  ): Promise<string> {
    const password = secret();
    if (pg) {
      const most = connections === undefined ? "" : ` connection limit ${connections}`;
      await server.query(`create role ${user} login password '${password}' ${rights ? "createdb" : ""}${most}`);
    } else {
      const most = connections === undefined ? "" : ` with max_user_connections ${connections}`;
      await server.query(`create user ${user}@'%' identified by '${password}'${most}`);
      if (rights) await server.query(`grant all on *.* to ${user}@'%'`);
    }
    return server.urlWith({ user, password });
  }

  function connectAs(user: string, url: string): Promise<Session> {
    const { password } = new URL(url.replace(/^\w+/, "http"));
    const { host, database } = server.engine.image.maintenance({ host: "127.0.0.1", port: 0, password: "" });
    return server.engine.connect({ host, port: server.port, user, password, database });
  }
});

describe("what is no server at all", limit, () => {
  const word = secret();
  const notNamed = "is neither a kind of server (known: ";
  it.each([
    ["an unknown kind", "docker", notNamed],
    ["a host alone", "localhost:5432", notNamed],
    ["a user, a password and a host", `me:${word}@localhost`, ""],
    ["a URL that lost its slashes", `postgres:me:${word}@localhost`, ""],
    ["a URL of another kind of database", "sqlite:///users.db", `it is no URL of a database server, having "sqlite:"`],
    ["a URL of no database", `https://me:${word}@localhost`, `it is no URL of a database server, having "https:"`],
    ["a URL without a host", "postgres://", ""],
    ["a URL with a port that there is not", `postgres://me:${word}@localhost:99999`, "it is no URL"],
    ["a URL with a port that is no number", `mysql://me:${word}@localhost:here`, "it is no URL"],
    ["a URL with a percent sign in its password", `postgres://me:%${word}@localhost:1`, ""],
    ["a URL with an at sign in its password", `postgres://me:at@${word}@localhost:1`, ""],
    ["a URL with a colon in its password", `mysql://me:at:${word}@localhost:1`, ""],
    ["a URL with a slash in its password", `mariadb://me:at/${word}@localhost:1`, ""],
    ["nothing", "", ""],
  ])("%s", async (_, text, says) => {
    await using work = await discreetWorkplace(files);
    const ended = await work.run(["rehearse", "--server", text]);
    await isRefused(ended, work);
    expect(ended.stderr).toMatch(/^Cannot use [^\n]+\n$/);
    expect(ended.stderr).toContain(says);
  });

  it.each([
    ["postgres", "mysql://me@localhost", "it is no URL of PostgreSQL"],
    ["mysql", "mariadb://me@localhost", "it is no URL of MySQL"],
    ["mariadb", "postgres://me@localhost", "it is no URL of MariaDB"],
  ])("a variable for %s that names another engine's server", async (engine, url, says) => {
    await using work = await discreetWorkplace(files);
    const variable = `SANDBOX_${engine.toUpperCase()}_URL`;
    const ended = await work.run(["rehearse", "--engine", engine], { environment: { [variable]: url } });
    await isRefused(ended, work);
    expect(ended.stderr).toContain(`Cannot use what ${variable} says: ${says} (${engine}://user:password@host:`);
  });

  it("SANDBOX_SERVER that is no kind of server", async () => {
    await using work = await discreetWorkplace(files);
    const ended = await work.run(["rehearse"], { environment: { SANDBOX_SERVER: "locl" } });
    await isRefused(ended, work);
    expect(ended.stderr).toBe(
      `Cannot use what SANDBOX_SERVER says: "locl" is neither a kind of server (known: "local", "embedded", "container") ` +
        "nor a URL such as postgres://user:password@host:5432\n",
    );
  });

  it("doctor, pointed at a kind of server", async () => {
    await using work = await discreetWorkplace(files);
    const ended = await work.run(["doctor", "--server", "local"]);
    await isRefused(ended, work);
    expect(ended.stderr).toBe(`Cannot look at "local": --server takes a URL here\n`);
  });
});

async function isRefused({ code, stdout, stderr }: Ended, work: Workplace): Promise<void> {
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(/^Cannot /) });
  expect(await work.leftBehind()).toEqual([]);
}

async function closedPort(): Promise<number> {
  const held = createServer();
  const port = await listening(held);
  await new Promise((resolve) => held.close(resolve));
  return port;
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
  );
}
