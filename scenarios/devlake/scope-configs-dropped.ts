// 0.18.0 renames PagerDuty's transformation rules to scope configs, and its next script drops that table. Whoever had
// rules loses them, by any way that leads through 0.18.0, without a word; services go on naming them by number. The
// table that 0.20.0 creates counts from one again, so a new scope config is taken for an old one by services that never
// chose it.
import { broken, type Check, clean, defineScenario, type Finding, release, type SqlFolder } from "migration-sandbox";
import { aNewScopeConfig, oneRule, rulesOfNoService, threeRules, twoConnections } from "../../seeds/devlake.ts";
import { pagerdutyFix, shipped, until } from "./shipped.ts";

const services = { table: "_tool_pagerduty_services", column: "scope_config_id" } as const;
const rules = "_tool_pagerduty_transformation_rules";
const lost = (release: string) => ({ code: "rows-lost", release, table: rules });
const unnamed = { code: "names-no-scope-config", ...services };
const another = { code: "names-another-scope-config", ...services };

/** A service that had a rule has one of that name, or none: not the number of one that is gone, or of another. */
const servicesKeepTheirs: Check = async ({ before, after }) => {
  const nameOf = new Map((await before.all(rules)).map(({ id, name }) => [String(id), name]));
  const isThere = (await after.tables()).some(({ name }) => name === "_tool_pagerduty_scope_configs");
  const now = isThere ? await after.all("_tool_pagerduty_scope_configs") : [];
  const findings: Finding[] = [];
  for (const { id, scope_config_id: number } of await after.all(services.table)) {
    if (number === null) continue;
    const had = nameOf.get(String(number));
    const has = now.find((config) => String(config.id) === String(number))?.name;
    const is = has === undefined ? "gone" : `"${has}"`;
    const message = `service ${id} names ${number}, which was "${had}" and is ${is}`;
    if (has !== had) findings.push({ ...(has === undefined ? unnamed : another), message });
  }
  return findings;
};

const withoutTheDrop = ({ read }: SqlFolder): SqlFolder => ({
  read: async () => (await read()).filter(({ name }) => name !== "20230605130109_pagerduty_remove_scope_configs"),
});

export default defineScenario({
  title: "transformation rules are gone after 0.18.0, and services go on naming them",
  source: "https://github.com/apache/incubator-devlake/issues/7615",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.17.0", { migrations: shipped(until["0.17.0"]), transaction: "none" }),
    release("0.18.0", { migrations: shipped(until["0.18.0"]), transaction: "none" }),
    release("0.18.0 without its last script", {
      insteadOf: "0.18.0",
      migrations: withoutTheDrop(shipped(until["0.18.0"])),
      transaction: "none",
    }),
    release("0.20.0", { migrations: shipped(until["0.20.0"]), transaction: "none" }),
    release("1.0.0", { migrations: shipped(until["0.20.0"], pagerdutyFix), transaction: "none" }),
  ],
  seeds: { "0.20.0": aNewScopeConfig },
  check: servicesKeepTheirs,
  paths: [
    { from: "0.17.0", with: twoConnections, to: "0.18.0", expect: clean },
    { from: "0.17.0", with: oneRule, to: "0.18.0", expect: broken([lost("0.18.0"), unnamed]) },
    { from: "0.17.0", with: threeRules, to: "0.18.0", expect: broken([lost("0.18.0"), unnamed]) },
    { from: "0.17.0", with: rulesOfNoService, to: "0.18.0", expect: broken([lost("0.18.0")]) },
    { from: "0.17.0", with: threeRules, to: "0.18.0 without its last script", expect: clean },

    { from: "0.17.0", with: twoConnections, via: ["0.18.0", "0.20.0"], to: "1.0.0", expect: clean },
    { from: "0.17.0", with: oneRule, to: "1.0.0", expect: broken([lost("1.0.0"), unnamed]) },
    {
      from: "0.17.0",
      with: oneRule,
      via: ["0.18.0", "0.20.0"],
      to: "1.0.0",
      expect: broken([lost("0.18.0"), another]),
    },
    {
      from: "0.17.0",
      with: rulesOfNoService,
      via: ["0.18.0", "0.20.0"],
      to: "1.0.0",
      expect: broken([lost("0.18.0")]),
    },
  ],
});
