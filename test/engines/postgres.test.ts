import { describe, expect, test } from "vitest";
import type { Session } from "../../harness/engines/engine.ts";
import { postgres } from "../../harness/engines/postgres.ts";
import { onStage, sharedServer } from "../stage.ts";
import { engineContract, thrownBy } from "./engine.contract.ts";

engineContract(postgres, sharedServer);

const stage = onStage();

/** A session in a sandbox of its own. */
async function inSandbox(act: (session: Session) => Promise<void>): Promise<void> {
  const sandbox = await stage().create();
  const session = await sandbox.connect();
  try {
    await act(session);
  } finally {
    await session.end().catch(() => {}); // It may have been ended on purpose.
    await sandbox.drop();
  }
}

const offsetOf = async (session: Session, sql: string) => postgres.fault(await thrownBy(session.script(sql)))?.offset;

describe("a session of postgres", () => {
  test("query() sends values beside the SQL", () =>
    inSandbox(async (session) => {
      expect(await session.query("select $1::int + 1 as two, $2::text as text", [1, "it's"])).toEqual([
        { two: 2, text: "it's" },
      ]);
    }));

  test("script() leaves splitting to the server: dollar quotes, strings and BEGIN ATOMIC come through", () =>
    inSandbox(async (session) => {
      await session.script(`
        create table t (body text);
        do $do$ begin insert into t values ('a;b'); end; $do$;
        create function twice(n int) returns int language sql begin atomic; select n * 2; end;
        insert into t values (E'c\\';d'), ($$e;f$$), (twice(4)::text);
      `);
      expect(await session.query("select body from t")).toEqual([
        { body: "a;b" },
        { body: "c';d" },
        { body: "e;f" },
        { body: "8" },
      ]);
    }));

  test("script() fails on COPY from a client that has nothing to send, rather than wait for it", () =>
    inSandbox(async (session) => {
      await session.script("create table t (id int)");
      await expect(session.script("copy t from stdin")).rejects.toThrow("has no data here");
      expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
    }));

  test("script() lets COPY to a client come through", () =>
    inSandbox(async (session) => {
      await session.script("copy (select generate_series(1, 3)) to stdout; create table after_copy (id int)");
      expect(await session.query("select count(*)::int as n from after_copy")).toEqual([{ n: 0 }]);
    }));

  test("script() takes all back when one statement of a plain message fails", () =>
    inSandbox(async (session) => {
      await expect(session.script("create table t (id int); select 1/0")).rejects.toThrow("division by zero");
      await expect(session.query("select from t")).rejects.toThrow('relation "t" does not exist');
    }));
});

describe("a transaction of postgres", () => {
  const deferred = `
    create table parents (id int primary key);
    create table children (id int primary key, parent int references parents (id) deferrable initially deferred);
  `;

  test.each([false, true])("a commit that is refused is thrown, and the session goes on (code: %s)", (forCode) =>
    inSandbox(async (session) => {
      await session.script(deferred);
      const transaction = await session.begin({ forCode });
      await session.script("insert into children values (1, 1)");
      const fault = postgres.fault(await thrownBy(transaction.commit()));
      expect(fault).toMatchObject({ kind: "refused", sqlState: "23503" });
      await transaction.rollback().catch(() => {});
      expect(await session.query("select count(*)::int as n from children")).toEqual([{ n: 0 }]);
    }),
  );

  test.each([false, true])("a session that was killed does not keep anybody waiting (code: %s)", (forCode) =>
    inSandbox(async (session) => {
      const transaction = await session.begin({ forCode });
      const killed = await thrownBy(
        transaction.db?.raw("select pg_terminate_backend(pg_backend_pid())") ??
          session.script("select pg_terminate_backend(pg_backend_pid())"),
      );
      expect(postgres.fault(killed)).toMatchObject({ kind: "connection" });
      await transaction.rollback().catch(() => {});
    }),
  );
});

describe("fault() of postgres", () => {
  test("tells the SQLSTATE, the detail and the hint that the server gave", () =>
    inSandbox(async (session) => {
      const thrown = await thrownBy(
        session.script("do $$ begin raise 'no' using errcode = 'P0042', detail = 'why', hint = 'how'; end $$"),
      );
      expect(postgres.fault(thrown)).toEqual({
        kind: "refused",
        message: "no",
        sqlState: "P0042",
        detail: "why",
        hint: "how",
        statementsBefore: 0,
      });
    }));

  test("a server that cannot write any more has no room", () =>
    inSandbox(async (session) => {
      const thrown = await thrownBy(session.script("do $$ begin raise disk_full; end $$"));
      expect(postgres.fault(thrown)).toMatchObject({ kind: "no-room", sqlState: "53100" });
    }));

  test("a session that an administrator ended is a connection's", () =>
    inSandbox(async (session) => {
      const thrown = await thrownBy(session.script("select pg_terminate_backend(pg_backend_pid())"));
      expect(postgres.fault(thrown)).toMatchObject({ kind: "connection", sqlState: "57P01" });
    }));

  test("offset is the number of characters before the place that the server points at", () =>
    inSandbox(async (session) => {
      const plain = "select 1; select nope from pg_class";
      expect(await offsetOf(session, plain)).toBe(plain.indexOf("nope"));
      const umlauts = "select 'äöü'; select nope from pg_class";
      expect(await offsetOf(session, umlauts)).toBe(umlauts.indexOf("nope"));
      const syntax = "select 1; selekt 2";
      expect(await offsetOf(session, syntax)).toBe(syntax.indexOf("selekt"));
    }));

  test("offset counts an emoji as the one character it is", () =>
    inSandbox(async (session) => {
      const sql = "select '🙂'; select nope from pg_class";
      expect(await offsetOf(session, sql)).toBe([...sql.slice(0, sql.indexOf("nope"))].length);
    }));

  test("a statement that ran and failed is counted rather than pointed at", () =>
    inSandbox(async (session) => {
      const fault = postgres.fault(await thrownBy(session.script("select 1; select 1/0; select 3")));
      expect(fault).toMatchObject({ sqlState: "22012", statementsBefore: 1 });
      expect(fault?.offset).toBeUndefined();
    }));
});

describe("split() of postgres", () => {
  const split = async (sql: string) => {
    const statements = await postgres.split(sql);
    for (const { sql: text, offset } of statements) expect(sql.slice(offset, offset + text.length)).toBe(text);
    return statements.map((statement) => statement.sql);
  };

  test("a dollar-quoted body is part of its statement", async () => {
    const body = "create function f() returns void language plpgsql as $x$ begin perform 1; perform $$;$$; end; $x$";
    expect(await split(`${body}; select 1`)).toEqual([body, "select 1"]);
  });

  test("BEGIN ATOMIC is part of its statement", async () => {
    const body = "create function f() returns int language sql begin atomic; select 1; select 2; end";
    expect(await split(`select 1;${body};`)).toEqual(["select 1", body]);
  });

  test("strings of every kind keep their semicolons", async () => {
    const sql = `select ';', E'\\';', U&'\\003b;', ";" from (select 1 as ";") t`;
    expect(await split(`${sql}; select 2;`)).toEqual([sql, "select 2"]);
  });

  test("comments before a statement are none of it, nested ones included", async () => {
    expect(await split("/* a /* ; */ b */ select 1; -- c;\n  /* d */ -- e\n select 2 -- f")).toEqual([
      "select 1",
      expect.stringMatching(/^select 2/),
    ]);
  });

  test("each statement can be run alone", () =>
    inSandbox(async (session) => {
      const sql = `
        /* one /* nested; */ comment */ create table t (body text); -- and; another
        insert into t values ('ä;🙂'), ($q$;$q$);
        create function f() returns bigint language sql begin atomic; select count(*) from t; end;
      `;
      for (const statement of await postgres.split(sql)) await session.script(statement.sql);
      expect(await session.query("select f()::int as n")).toEqual([{ n: 2 }]);
    }));

  test("offsets are right behind characters of every width", async () => {
    expect(await split("select 'é', '€', '🙂'; /* é€🙂; */ select '🙂' as \"ü\"; select 3")).toEqual([
      "select 'é', '€', '🙂'",
      "select '🙂' as \"ü\"",
      "select 3",
    ]);
  });

  test("what is no SQL is refused", async () => {
    await expect(postgres.split("selekt 1")).rejects.toThrow();
  });
});
