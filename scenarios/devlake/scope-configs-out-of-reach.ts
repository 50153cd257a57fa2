// The fix of 1.0.0 adds connection_id and fills nothing in. A scope config made before it belongs to no connection, and
// no delete of a connection will ever remove it; those made after it go with their connection, and only with theirs.
import { broken, clean, defineScenario, invariant, release, type Tasks } from "migration-sandbox";
import { oneScopeConfig, twoConnections, twoScopeConfigs } from "../../seeds/devlake.ts";
import { deleteConnection } from "./connections.ts";
import { pagerdutyFix, shipped, until } from "./shipped.ts";

const used: Tasks = {
  "each connection is given a scope config": async ({ db }) => {
    for (const { id, name } of await db("_tool_pagerduty_connections").select("id", "name")) {
      await db("_tool_pagerduty_scope_configs").insert({ name: `incidents of ${name}`, connection_id: id });
    }
  },
  "delete the connection of Payments": ({ db }) =>
    deleteConnection(db, { plugin: "pagerduty", name: "Payments on-call" }),
};

const outOfReach = broken("scope-config-out-of-reach");

export default defineScenario({
  title: "scope configs from before the fix belong to no connection and are never deleted",
  source: "https://github.com/apache/incubator-devlake/pull/7617",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.20.0", { migrations: shipped(until["0.20.0"]), transaction: "none" }),
    release("1.0.0", { migrations: shipped(until["0.20.0"], pagerdutyFix), transaction: "none", use: used }),
  ],
  check: [
    invariant(
      "scope-config-out-of-reach",
      "select id, name from _tool_pagerduty_scope_configs where connection_id is null",
    ),
    invariant(
      "scope-config-of-nobody",
      `select s.id, s.name from _tool_pagerduty_scope_configs s
       left join _tool_pagerduty_connections c on c.id = s.connection_id
       where s.connection_id is not null and c.id is null`,
    ),
    invariant(
      "connection-without-its-scope-config",
      `select c.id, c.name from _tool_pagerduty_connections c
       where not exists (
         select 1 from _tool_pagerduty_scope_configs s
         where s.connection_id = c.id and s.name = concat('incidents of ', c.name)
       )`,
    ),
    invariant(
      "not-the-one-connection-left",
      "select count(*) as others from _tool_pagerduty_connections where name = 'Search on-call' having count(*) <> 1",
    ),
    invariant(
      "connection-still-there",
      "select id, name from _tool_pagerduty_connections where name = 'Payments on-call'",
    ),
  ],
  paths: [
    { from: "0.20.0", with: twoConnections, to: "1.0.0", expect: clean },
    { from: "0.20.0", with: oneScopeConfig, to: "1.0.0", expect: outOfReach },
    { from: "0.20.0", with: twoScopeConfigs, to: "1.0.0", expect: outOfReach },
  ],
});
