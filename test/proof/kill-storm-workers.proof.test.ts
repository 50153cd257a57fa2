import { describe, expect, test } from "vitest";
import { openStage } from "../../harness/sandbox.ts";
import { sharedServer } from "../stage.ts";
import { onEachPair } from "./kill-storm-pairs.ts";

const sandboxes = 50;
const workers = 8;
const meant = ["postgres:embedded", "mariadb:local", "mysql:container"];

describe(`${sandboxes} sandboxes that are made, used and dropped by ${workers} workers at once`, async () => {
  await onEachPair(
    ({ engine, kind }) => {
      test("all come to be, and none is left", async () => {
        if (kind === "existing") throw new Error("It is nobody's to share");
        const server = await sharedServer(engine, kind);
        const admin = await server.engine.administer(server.maintenance);
        const before = await admin.marked("migration-sandbox ");
        let asked = 0;
        let used = 0;
        await Promise.all(
          Array.from({ length: workers }, async () => {
            const stage = await openStage(server);
            while (asked++ < sandboxes) {
              const sandbox = await stage.create();
              const session = await sandbox.connect();
              await session.script("create table t (id int primary key); insert into t values (1), (2)");
              const rows = await session.query("select id from t");
              used += rows.length / 2;
              await session.end();
              await sandbox.drop();
            }
            await stage.leave();
          }),
        );
        expect(used).toBe(sandboxes);
        expect(await admin.marked("migration-sandbox ")).toEqual(before);
        await admin.end();
      }, 120_000);
    },
    ({ engine, kind }) => meant.includes(`${engine}:${kind}`),
  );
});
