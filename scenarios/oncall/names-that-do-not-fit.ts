// OnCall 1.3.11 names a button's webhook after it, with " (Legacy)" behind. As first merged, all of the button's name
// went in: from 92 characters on, which a button may have, the webhook's was longer than its column. As shipped, it is
// cut.
import { broken, clean, defineScenario, release } from "migration-sandbox";
import { namesThatFit, namesTooLong, twoOrganisations } from "../../seeds/oncall.ts";
import { allIsMoved } from "./checks.ts";
import { cut, named0008, of1240, shipped, webhooks0007, webhooks0008, whole } from "./migrations.ts";

const naming = (name: typeof cut) => shipped(...of1240, webhooks0007, webhooks0008(name));
const tooLong = broken("migration-failed", {
  release: "1.3.11 as first merged",
  migration: named0008,
  postgres: "22001",
  mysql: 1406,
  mariadb: 1406,
});

export default defineScenario({
  title: "a button's name leaves no room for what its webhook's name has behind it",
  source: "https://github.com/grafana/oncall/pull/2528",
  engines: ["mysql", "mariadb", "postgres"],
  chain: [
    release("1.2.40", shipped(...of1240)),
    release("1.3.11 as first merged", { insteadOf: "1.3.11", ...naming(whole) }),
    release("1.3.11", naming(cut)),
  ],
  seeds: { "1.2.40": twoOrganisations },
  check: allIsMoved,
  paths: [
    { from: "1.2.40", with: namesThatFit, to: "1.3.11 as first merged", expect: clean },
    { from: "1.2.40", with: namesTooLong, to: "1.3.11 as first merged", expect: tooLong },
    { from: "1.2.40", with: namesThatFit, to: "1.3.11", expect: clean },
    { from: "1.2.40", with: namesTooLong, to: "1.3.11", expect: clean },
  ],
});
