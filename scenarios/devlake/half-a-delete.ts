// What is left of a connection that 1.0.0-beta6 could not delete? DevLake deletes the connection first and its scope
// configs second, and the second DELETE fails. A transaction around the first takes it back, so that the user who was
// told of an error still has the connection. Had each DELETE committed alone, the connection would be gone in spite of
// the error; with the scope configs first, nothing would have happened yet.
import {
  broken,
  clean,
  type Database,
  defineScenario,
  type ExpectedFinding,
  invariant,
  release,
} from "migration-sandbox";
import { type Connection, deleteConnection, deleting, idOf, usedUntilBeta5, usedWith } from "./connections.ts";
import { pagerdutyFix, shipped, until } from "./shipped.ts";

async function connectionFirst(db: Database, { plugin, name }: Connection): Promise<void> {
  const id = await idOf(db, { plugin, name });
  await db(`_tool_${plugin}_connections`).where({ id }).delete();
  await db(`_tool_${plugin}_scope_configs`).where({ connection_id: id }).delete();
}

async function scopeConfigsFirst(db: Database, { plugin, name }: Connection): Promise<void> {
  const id = await idOf(db, { plugin, name });
  await db(`_tool_${plugin}_scope_configs`).where({ connection_id: id }).delete();
  await db(`_tool_${plugin}_connections`).where({ id }).delete();
}

const insteadOf = "1.0.0-beta6";
const toBeta6 = { migrations: shipped(until["0.20.0"]), transaction: "none" } as const;
const to100 = { migrations: shipped(until["0.20.0"], pagerdutyFix), transaction: "none" } as const;

const failedIn = (release: string): ExpectedFinding => ({
  code: "use-failed",
  release,
  task: deleting("pagerduty"),
  postgres: "42703",
  mysql: 1054,
  mariadb: 1054,
});

const name = "'tried out'";
/** After an error. */
const nothingHappened = invariant(
  "half-a-delete",
  `select count(*) as connections_left from _tool_pagerduty_connections where name = ${name} having count(*) = 0`,
);
/** After none. */
const deleted = invariant("connection-still-there", `select id from _tool_pagerduty_connections where name = ${name}`);

export default defineScenario({
  title: "a connection that could not be deleted is half deleted unless a transaction takes it back",
  source: "https://github.com/apache/incubator-devlake/pull/7617",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.20.0", { ...toBeta6, use: usedUntilBeta5 }),
    release("1.0.0-beta6", { ...toBeta6, use: usedWith(deleteConnection) }),
    release("1.0.0-beta6, no transaction", { ...toBeta6, insteadOf, use: usedWith(connectionFirst) }),
    release("1.0.0-beta6, scope configs first", { ...toBeta6, insteadOf, use: usedWith(scopeConfigsFirst) }),
    release("1.0.0", { ...to100, use: usedWith(deleteConnection) }),
    release("1.0.0, no transaction", { ...to100, insteadOf: "1.0.0", use: usedWith(connectionFirst) }),
  ],
  paths: [
    { from: "0.20.0", to: "1.0.0-beta6", check: nothingHappened, expect: broken([failedIn("1.0.0-beta6")]) },
    {
      from: "0.20.0",
      to: "1.0.0-beta6, no transaction",
      check: nothingHappened,
      expect: broken([failedIn("1.0.0-beta6, no transaction"), { code: "half-a-delete" }]),
    },
    {
      from: "0.20.0",
      to: "1.0.0-beta6, scope configs first",
      check: nothingHappened,
      expect: broken([failedIn("1.0.0-beta6, scope configs first")]),
    },
    { from: "0.20.0", to: "1.0.0", check: deleted, expect: clean },
    { from: "0.20.0", to: "1.0.0, no transaction", check: deleted, expect: clean },
  ],
});
