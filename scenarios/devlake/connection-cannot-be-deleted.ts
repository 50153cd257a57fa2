// DevLake dropped PagerDuty's table of scope configs in 0.18.0 and created it again in 0.20.0, without the
// connection_id that its code had meanwhile come to think it has. Nothing used the column for four months. Then
// 1.0.0-beta6, with no script of its own, began to delete the scope configs of a connection along with it: until 1.0.0
// no connection can be deleted, on any database, new or upgraded, whatever rows it holds. Migrations are green
// throughout.
import {
  broken,
  clean,
  defineScenario,
  emptyTables,
  invariant,
  release,
  startAgain,
  type Task,
} from "migration-sandbox";
import { twoScopeConfigs } from "../../seeds/devlake.ts";
import { deleting, othersAreLeftAlone, usedSinceBeta6, usedUntilBeta5 } from "./connections.ts";
import { pagerdutyFix, shipped, until } from "./shipped.ts";

const noColumn = {
  code: "use-failed",
  release: "1.0.0-beta6",
  task: deleting("pagerduty"),
  postgres: "42703",
  mysql: 1054,
  mariadb: 1054,
} as const;
// The transaction took the first DELETE back: a request that failed has changed nothing.
const cannotBeDeleted = broken([noColumn, { code: "connection-still-there" }]);

const addColumnByHand: Task = async ({ db }) => {
  await db.raw("alter table _tool_pagerduty_scope_configs add column connection_id bigint");
};

export default defineScenario({
  title: "a connection cannot be deleted since its scope configs' table came back without a column",
  source: "https://github.com/apache/incubator-devlake/issues/7615",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.17.0", { migrations: shipped(until["0.17.0"]), transaction: "none", use: usedUntilBeta5 }),
    release("0.18.0", { migrations: shipped(until["0.18.0"]), transaction: "none", use: usedUntilBeta5 }),
    release("0.20.0", { migrations: shipped(until["0.20.0"]), transaction: "none", use: usedUntilBeta5 }),
    release("1.0.0-beta6", { migrations: shipped(until["0.20.0"]), transaction: "none", use: usedSinceBeta6 }),
    release("1.0.0", { migrations: shipped(until["0.20.0"], pagerdutyFix), transaction: "none", use: usedSinceBeta6 }),
  ],
  check: [
    invariant("connection-still-there", "select id, name from _tool_pagerduty_connections where name = 'tried out'"),
    othersAreLeftAlone,
  ],
  paths: [
    { to: "0.17.0", expect: clean },
    { to: "0.18.0", expect: clean },
    { to: "0.20.0", expect: clean },
    { to: "1.0.0-beta6", expect: cannotBeDeleted },
    { to: "1.0.0", expect: clean },

    { from: "0.17.0", to: "1.0.0-beta6", expect: cannotBeDeleted },
    { from: "0.17.0", via: ["0.18.0", "0.20.0"], to: "1.0.0-beta6", expect: cannotBeDeleted },
    { from: "0.20.0", with: emptyTables, to: "1.0.0-beta6", expect: cannotBeDeleted },
    { from: "0.20.0", with: twoScopeConfigs, to: "1.0.0-beta6", expect: cannotBeDeleted },

    { from: "0.17.0", to: "1.0.0", expect: clean },
    { from: "0.20.0", with: emptyTables, to: "1.0.0", expect: clean },
    { from: "0.20.0", with: twoScopeConfigs, to: "1.0.0", expect: clean },
    // What could not be deleted before the fix can be after it.
    { from: "0.20.0", via: ["1.0.0-beta6"], to: "1.0.0", expect: broken([noColumn]) },

    { from: "0.20.0", to: "1.0.0-beta6", workaround: startAgain, expect: cannotBeDeleted },
    { from: "0.20.0", to: "1.0.0-beta6", workaround: addColumnByHand, expect: clean },
  ],
});
