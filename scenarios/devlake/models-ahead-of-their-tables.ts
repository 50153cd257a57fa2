// The struct that DevLake's code reads scope configs with had gained a connection_id; the frozen copy that scripts
// build tables from had not. So PagerDuty's model and table disagreed from 0.20.0 on, half a year before anybody told
// of it, and so did Opsgenie's. Comparing one with the other tells it at once, without any row or any action, and
// tells that the fix of one plugin leaves the other broken.
import { broken, clean, defineScenario, release } from "migration-sandbox";
import { opsgenieFix, pagerdutyFix, shipped, until } from "./shipped.ts";

const [pagerduty, opsgenie] = ["_tool_pagerduty_scope_configs", "_tool_opsgenie_scope_configs"];
const scopeConfig = ["id", "created_at", "updated_at", "entities", "connection_id", "name"];
const rule = ["id", "created_at", "updated_at", "name", "connection_id"];
const model = { [pagerduty]: scopeConfig, [opsgenie]: scopeConfig };

const lacks = (release: string, table: string) =>
  ({ code: "model-lacks-column", release, table, column: "connection_id" }) as const;
const bothLack = broken([lacks("0.20.0", pagerduty), lacks("0.20.0", opsgenie)]);
const opsgenieLacks = broken([lacks("1.0.0 with #7617 alone", opsgenie)]);

export default defineScenario({
  title: "the model of scope configs has a column that their tables lack",
  source: "https://github.com/apache/incubator-devlake/pull/7621",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.17.0", {
      migrations: shipped(until["0.17.0"]),
      transaction: "none",
      model: { _tool_pagerduty_transformation_rules: rule },
    }),
    release("0.20.0", { migrations: shipped(until["0.20.0 with opsgenie"]), transaction: "none", model }),
    release("1.0.0 with #7617 alone", {
      insteadOf: "1.0.0",
      migrations: shipped(until["0.20.0 with opsgenie"], pagerdutyFix),
      transaction: "none",
      model,
    }),
    release("1.0.0", {
      migrations: shipped(until["0.20.0 with opsgenie"], pagerdutyFix, opsgenieFix),
      transaction: "none",
      model,
    }),
  ],
  paths: [
    { to: "0.17.0", expect: clean },
    { to: "0.20.0", expect: bothLack },
    { from: "0.17.0", to: "0.20.0", expect: bothLack },
    { to: "1.0.0 with #7617 alone", expect: opsgenieLacks },
    { from: "0.20.0", to: "1.0.0 with #7617 alone", expect: opsgenieLacks },
    { to: "1.0.0", expect: clean },
    { from: "0.20.0", to: "1.0.0", expect: clean },
  ],
});
