import type { RowDataPacket } from "mysql2/promise";
import { beforeAll, describe, expect, test } from "vitest";
import type { Address } from "../../harness/database.ts";
import type { Engine } from "../../harness/engines/engine.ts";
import { connected } from "../../harness/engines/mysql-connection.ts";
import { mariadbDialect, mysqlDialect } from "../../harness/engines/mysql-dialect.ts";
import type { Snapshot } from "../../harness/snapshot.ts";
import { sharedServer } from "../stage.ts";
import { portraitOf } from "./portrait.ts";
import { type Product, randomDatabase } from "./random-database.ts";
import { engines, randomFrom } from "./random-values.ts";

const seed = Number(process.env.MIGRATION_SANDBOX_SEED ?? Date.now() % 2 ** 31);
const rounds = Number(process.env.ROUNDS ?? 12);
const mark = "migration-sandbox proof of clones";

for (const product of ["mariadb", "mysql"] as const) {
  describe(`on ${product}, what a random database is cloned to equals it (MIGRATION_SANDBOX_SEED=${seed})`, () => {
    let engine: Engine;
    let maintenance: Address;

    beforeAll(async () => {
      ({ engine, maintenance } = await sharedServer(product));
    });

    test("for whoever owns the server", () => provedBy(product, () => engine, maintenance));

    test("for an account that may only do as it likes in sandboxes", async () => {
      const owner = await engine.connect(maintenance);
      const [user, password] = ["sandbox_proof", "Secret-1"];
      await owner.script(
        `drop user if exists ${user}; create user ${user} identified by '${password}'; grant all on \`sandbox\\_%\`.* to ${user}`,
      );
      try {
        await provedBy(product, () => engine, { ...maintenance, user, password });
      } finally {
        await owner.script(`drop user ${user}`);
        await owner.end();
      }
    });
  });
}

async function provedBy(product: Product, engine: () => Engine, server: Address): Promise<void> {
  const dialect = product === "mysql" ? mysqlDialect : mariadbDialect;
  const administration = await engine().administer(server);
  const observer = await connected({ ...server, database: "" }, dialect);
  const [had] = await observer.query<RowDataPacket[]>(
    "select engine as name from information_schema.engines where support in ('YES', 'DEFAULT')",
  );
  const usable = engines.filter((name) => had.some((row) => row.name === name));
  try {
    for (let round = 0; round < rounds; round++) {
      const [first, second, third] = [1, 2, 3].map((n) => `sandbox_${process.pid}_c10e_${n}`) as [
        string,
        string,
        string,
      ];
      const statements = randomDatabase(product, usable, randomFrom(seed + round));
      const where = `MIGRATION_SANDBOX_SEED=${seed + round} ROUNDS=1`;
      try {
        await administration.create(first, mark);
        await fill({ ...server, database: first }, dialect, statements);
        await administration.admit(first, false);
        await administration.endSessions(first);
        await administration.create(second, mark, first);
        await administration.create(third, mark, second);
        const original = await portraitOf(observer, first);
        for (const clone of [second, third]) {
          expect(Object.fromEntries(await portraitOf(observer, clone)), where).toEqual(Object.fromEntries(original));
          await expectEqualSnapshots(engine(), server, [first, clone], where);
        }
      } finally {
        for (const database of [third, second, first]) await administration.drop(database, mark);
      }
    }
  } finally {
    await observer.end();
    await administration.end();
  }
}

/** A statement behind a question mark may be refused: chance paired things that do not go together. */
async function fill(address: Address, dialect: typeof mysqlDialect, statements: readonly string[]): Promise<void> {
  const session = await connected(address, dialect);
  for (const statement of statements) {
    const optional = statement.startsWith("?");
    await session.query(statement.slice(optional ? 1 : 0)).catch((error: { readonly errno?: number }) => {
      if (!optional && !needsRights.includes(error.errno ?? 0)) throw error;
    });
  }
  await session.end();
}

/** Who may not act in another's name, or not make functions where a binary log is kept, goes without. */
const needsRights = [1227, 1419];

async function expectEqualSnapshots(
  engine: Engine,
  server: Address,
  databases: readonly [string, string],
  where: string,
): Promise<void> {
  const [one, other] = await Promise.all(databases.map((database) => engine.snapshot({ ...server, database })));
  if (one === undefined || other === undefined) throw new Error("There are two of them");
  try {
    expect(await shapeOf(other), where).toEqual(await shapeOf(one));
    const rows = (await one.tables()).map((table) => ({ table, columns: table.columns.map(({ name }) => name) }));
    expect(await other.fingerprints(rows), where).toEqual(await one.fingerprints(rows));
  } finally {
    await Promise.all([one.end(), other.end()]);
  }
}

/** A table's schema is the database itself. */
async function shapeOf(snapshot: Snapshot): Promise<unknown> {
  const { tables, ...rest } = await snapshot.catalogue();
  return { ...rest, tables: tables.map((table) => ({ ...table, schema: "" })) };
}
