// Everybody who stops on the way from OnCall 1.2.40 to 1.8.5, and everybody who does not: from each release to each later
// one, with buttons and steps as users of that release have them. Whoever has live buttons comes through by 1.3.11 or
// 1.3.115 alone, which have webhooks.0008 and not yet alerts.0051; stops before and after them are no help.
import { broken, clean, defineScenario } from "migration-sandbox";
import { organisationWithButtons, organisationWithWebhooks } from "../../seeds/oncall.ts";
import { nobodyIsForgotten } from "./checks.ts";
import { moved, v14x, v185, v1240, v1310, v1311, v13115, v13116 } from "./releases.ts";

const columnGone = broken("migration-failed", {
  migration: moved.name,
  postgres: "42703",
  mysql: 1054,
  mariadb: 1054,
});
const withButtons = ["1.2.40", "1.3.10"] as const;

export default defineScenario({
  title: "from before 1.3.11 the upgrade has to stop at one of 1.3.11 to 1.3.115",
  source: "https://github.com/grafana/oncall/issues/4701",
  engines: ["mysql", "mariadb", "postgres"],
  chain: [v1240, v1310, v1311, v13115, v13116, v14x, v185],
  seeds: {
    "1.2.40": organisationWithButtons(1),
    "1.3.10": organisationWithButtons(2),
    "1.3.11": organisationWithWebhooks(3),
    "1.3.115": organisationWithWebhooks(4),
    "1.3.116": organisationWithWebhooks(5),
    "1.4.x": organisationWithWebhooks(6),
  },
  check: nobodyIsForgotten,
  paths: [
    {
      every: "all",
      expect: clean,
      but: [{ from: withButtons, to: ["1.3.116", "1.4.x", "1.8.5"], expect: columnGone }],
    },
    { every: "stepwise", expect: clean },
    { every: { via: ["1.3.11"] }, expect: clean },
    { every: { via: ["1.3.115"] }, expect: clean },
  ],
});
