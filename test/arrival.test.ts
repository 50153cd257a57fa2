import { release } from "migration-sandbox";
import { expect, test } from "vitest";
import { type Arrival, arrive } from "../harness/arrival.ts";
import { dumpAt } from "../harness/dump.ts";
import { golangMigrate } from "../harness/formats/golang-migrate.ts";
import { plannedRelease } from "../harness/planned-release.ts";
import { dumpFolder } from "./dumping.ts";
import { folderOf } from "./formats/folder-of.ts";
import { onStage } from "./stage.ts";

const stage = onStage();
const dump = dumpFolder();

test("a dump that stands elsewhere is searched for records once, however long the chain is", async () => {
  const short = await arrivalAmong(3);
  const long = await arrivalAmong(12);
  expect(short.notes).toMatchObject([{ message: expect.stringContaining("it is that of 1.2 (it ends at") }]);
  expect(long.stands?.name).toBe("1.2");
  expect(long.searches).toBe(short.searches);
});

/** A database at the third of so many releases, said to be at the first. */
async function arrivalAmong(count: number): Promise<Arrival & { readonly searches: number }> {
  const files = Array.from({ length: count }, (_, i) => [`${i + 1}_table.up.sql`, `create table t${i} (id int)`]);
  const chain = files.map((_, i) => {
    const folder = folderOf(Object.fromEntries(files.slice(0, i + 1)));
    const read = async () => golangMigrate.read(await folder, { engine: "postgres" });
    return plannedRelease(release(`1.${i}`, { migrations: { read } }), "postgres", "a test");
  });
  const sandbox = await stage().create();
  const connect = sandbox.connect.bind(sandbox);
  let searches = 0;
  try {
    const session = await connect();
    await session.script(
      "create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (3, false)",
    );
    await session.end();
    sandbox.connect = async () => {
      const session = await connect();
      const query = session.query.bind(session);
      session.query = (sql) => {
        if (sql.includes("information_schema.columns")) searches++;
        return query(sql);
      };
      return session;
    };
    const [first] = await Promise.all(chain);
    if (first === undefined) throw new Error("There is no first release");
    const theirs = await dumpAt(dump("theirs.sql", "SET statement_timeout = 0;\n"));
    const others = () => Promise.all(chain);
    return { ...(await arrive({ dump: theirs, sandbox, stage: stage(), release: first, others })), searches };
  } finally {
    await sandbox.drop();
  }
}
