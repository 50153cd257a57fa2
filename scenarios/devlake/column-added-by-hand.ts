// The advice for 1.0.0-beta6 was to add the missing column by hand, as BIGINT. With it connections can be deleted
// again. But it is not the column that the fix adds: nothing indexes it, and on MySQL and MariaDB it is signed where
// the ids it refers to are not. The fix, which adds what is missing, later brings the index and leaves the type as it
// finds it. As BIGINT UNSIGNED it would have been the fix's.
import {
  broken,
  type Check,
  clean,
  defineScenario,
  type Finding,
  release,
  type Task,
  type Tasks,
} from "migration-sandbox";
import { usedSinceBeta6 } from "./connections.ts";
import { pagerdutyFix, shipped, until } from "./shipped.ts";

const table = "_tool_pagerduty_scope_configs";
const column = "connection_id";

const addColumnByHand: Task = async ({ db }) => {
  await db.raw(`alter table ${table} add column ${column} bigint`);
};
const addUnsignedColumnByHand: Task = async ({ db }) => {
  await db.raw(`alter table ${table} add column ${column} bigint unsigned`);
};
const mendedByHand: Tasks = { "an operator adds the column by hand": addColumnByHand, ...usedSinceBeta6 };

/** The column is indexed, and of the type of the ids that it refers to. */
const asTheFixHasIt: Check = async ({ after }) => {
  const { tables } = await after.catalogue();
  const scopeConfigs = tables.find(({ name }) => name === table);
  const typeOf = (name: string, of: string) =>
    tables.find((t) => t.name === name)?.columns.find((c) => c.name === of)?.type;
  const [type, idType] = [typeOf(table, column), typeOf("_tool_pagerduty_connections", "id")];
  const indexed = scopeConfigs?.indexes.some(({ definition }) => definition.includes(column)) ?? false;
  const unlike: Finding = { code: "type-unlike-its-ids", table, column, message: `${type}, and ids are ${idType}` };
  const slow: Finding = { code: "not-indexed", table, column, message: "every delete of a connection reads all rows" };
  return [...(type === idType ? [] : [unlike]), ...(indexed ? [] : [slow])];
};

const notIndexed = { code: "not-indexed", table, column } as const;
const signed = { code: "type-unlike-its-ids", table, column } as const;

export default defineScenario({
  title: "the column that was advised to be added by hand is not the one that the fix adds",
  source: "https://github.com/apache/incubator-devlake/pull/7617",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.20.0", { migrations: shipped(until["0.20.0"]), transaction: "none" }),
    release("1.0.0-beta6", { migrations: shipped(until["0.20.0"]), transaction: "none", use: usedSinceBeta6 }),
    release("1.0.0-beta6 mended by hand", {
      insteadOf: "1.0.0-beta6",
      migrations: shipped(until["0.20.0"]),
      transaction: "none",
      use: mendedByHand,
    }),
    release("1.0.0", { migrations: shipped(until["0.20.0"], pagerdutyFix), transaction: "none", use: usedSinceBeta6 }),
  ],
  check: asTheFixHasIt,
  paths: [
    {
      from: "0.20.0",
      to: "1.0.0-beta6",
      workaround: addColumnByHand,
      expect: {
        postgres: broken([notIndexed]),
        mysql: broken([notIndexed, signed]),
        mariadb: broken([notIndexed, signed]),
      },
    },
    {
      from: "0.20.0",
      via: ["1.0.0-beta6 mended by hand"],
      to: "1.0.0",
      expect: { postgres: clean, mysql: broken([signed]), mariadb: broken([signed]) },
    },
    { from: "0.20.0", to: "1.0.0", expect: clean },
    { to: "1.0.0", expect: clean },
    // The advice that would have been right. PostgreSQL has no such type, and does without.
    {
      from: "0.20.0",
      via: ["1.0.0-beta6"],
      to: "1.0.0",
      workaround: addUnsignedColumnByHand,
      engines: ["mysql", "mariadb"],
      expect: clean,
    },
  ],
});
