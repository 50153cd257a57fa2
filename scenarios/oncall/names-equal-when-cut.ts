// OnCall 1.3.11 cuts a button's name at 91 characters for its webhook, and looks for a webhook of that name before it
// makes one. Two buttons of one team that are equal when cut become one webhook, the first one's: steps of the second
// now call the wrong URL, and nothing is said. In two teams the look-up finds nothing, and the unique key ends the
// upgrade.
import { broken, clean, defineScenario, release } from "migration-sandbox";
import {
  equalWhenCutInOneTeam,
  equalWhenCutInTwoOrganisations,
  equalWhenCutInTwoTeams,
  twoOrganisations,
} from "../../seeds/oncall.ts";
import { allIsMoved } from "./checks.ts";
import { cut, cutAndTold, named0008, of1240, shipped, webhooks0007, webhooks0008 } from "./migrations.ts";

const naming = (name: typeof cut) => shipped(...of1240, webhooks0007, webhooks0008(name));

export default defineScenario({
  title: "two buttons whose names are equal when cut share a webhook, or fail",
  source: "https://github.com/grafana/oncall/pull/2528",
  engines: ["mysql", "mariadb", "postgres"],
  chain: [
    release("1.2.40", shipped(...of1240)),
    release("1.3.11", naming(cut)),
    release("1.3.11 mended", { insteadOf: "1.3.11", ...naming(cutAndTold) }),
  ],
  seeds: { "1.2.40": twoOrganisations },
  check: allIsMoved,
  paths: [
    { from: "1.2.40", with: equalWhenCutInTwoOrganisations, to: "1.3.11", expect: clean },
    {
      from: "1.2.40",
      with: equalWhenCutInOneTeam,
      to: "1.3.11",
      expect: broken([
        { code: "button-without-webhook", table: "alerts_custombutton" },
        { code: "link-lost", table: "alerts_escalationpolicy", column: "custom_button_trigger_id" },
      ]),
    },
    {
      from: "1.2.40",
      with: equalWhenCutInTwoTeams,
      to: "1.3.11",
      expect: broken("migration-failed", {
        release: "1.3.11",
        migration: named0008,
        postgres: "23505",
        mysql: 1062,
        mariadb: 1062,
      }),
    },
    { from: "1.2.40", with: equalWhenCutInTwoOrganisations, to: "1.3.11 mended", expect: clean },
    { from: "1.2.40", with: equalWhenCutInOneTeam, to: "1.3.11 mended", expect: clean },
    { from: "1.2.40", with: equalWhenCutInTwoTeams, to: "1.3.11 mended", expect: clean },
  ],
});
