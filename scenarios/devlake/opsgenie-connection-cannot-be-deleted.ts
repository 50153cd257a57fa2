// Opsgenie's scope configs were renamed, dropped and created again by scripts of the same days as PagerDuty's, without
// the same column. With the fix of PagerDuty alone its connections cannot be deleted either; the fix of its own
// followed on the same day, and 1.0.0 has both.
import { broken, clean, defineScenario, invariant, release } from "migration-sandbox";
import { deleteConnection, deleting, usedWith } from "./connections.ts";
import { opsgenieFix, pagerdutyFix, shipped, until } from "./shipped.ts";

const use = { ...usedWith(deleteConnection, "pagerduty"), ...usedWith(deleteConnection, "opsgenie") };

const cannotBeDeleted = broken([
  {
    code: "use-failed",
    release: "1.0.0 with #7617 alone",
    task: deleting("opsgenie"),
    postgres: "42703",
    mysql: 1054,
    mariadb: 1054,
  },
  { code: "opsgenie-connection-still-there" },
]);

export default defineScenario({
  title: "an opsgenie connection cannot be deleted where only pagerduty was mended",
  source: "https://github.com/apache/incubator-devlake/pull/7621",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.20.0", { migrations: shipped(until["0.20.0 with opsgenie"]), transaction: "none" }),
    release("1.0.0 with #7617 alone", {
      insteadOf: "1.0.0",
      migrations: shipped(until["0.20.0 with opsgenie"], pagerdutyFix),
      transaction: "none",
      use,
    }),
    release("1.0.0", {
      migrations: shipped(until["0.20.0 with opsgenie"], pagerdutyFix, opsgenieFix),
      transaction: "none",
      use,
    }),
  ],
  check: (["pagerduty", "opsgenie"] as const).map((plugin) =>
    invariant(`${plugin}-connection-still-there`, `select id, name from _tool_${plugin}_connections`),
  ),
  paths: [
    { to: "1.0.0 with #7617 alone", expect: cannotBeDeleted },
    { from: "0.20.0", to: "1.0.0 with #7617 alone", expect: cannotBeDeleted },
    { to: "1.0.0", expect: clean },
    { from: "0.20.0", to: "1.0.0", expect: clean },
  ],
});
