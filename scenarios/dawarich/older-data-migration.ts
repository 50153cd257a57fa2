// Dawarich 0.12.0 ships a data migration whose timestamp is older than that of one shipped before. Who comes from
// 0.11.1 runs it last, who jumps over 0.11.1 or installs afresh runs it first; a migrator that asks for the newest
// timestamp would never run it. In 0.12.0 it calls what is not there; for those who jump, the other waits behind it.
import { broken, clean, defineScenario, invariant } from "migration-sandbox";
import { pointsOfOneUser } from "../../seeds/dawarich.ts";
import { everyPointIsRight, reportNotFilledIn } from "./checks.ts";
import { v032, v060, v070, v0111, v0120, v0121 } from "./releases.ts";

const noMethod = {
  code: "migration-failed",
  release: "0.12.0",
  migration: "20240808133112_run_initial_visit_suggestion",
  exception: "NoMethodError",
};

const userWithoutVisits = invariant(
  "user-without-visits",
  "select id from users u where not exists (select 1 from visits v where v.user_id = u.id)",
);

export default defineScenario({
  title: "a data migration that is older than the last one shipped runs in another order",
  source: "https://github.com/Freika/dawarich/releases/tag/0.12.1",
  engines: ["postgres"],
  chain: [v032, v060, v070, v0111, v0120, v0121],
  check: [...everyPointIsRight, userWithoutVisits],
  paths: [
    { from: "0.3.2", with: pointsOfOneUser, via: ["0.7.0", "0.11.1"], to: "0.12.1", expect: clean },
    { from: "0.3.2", with: pointsOfOneUser, via: ["0.7.0"], to: "0.12.1", expect: clean },
    { from: "0.3.2", with: pointsOfOneUser, to: "0.12.1", expect: clean },
    { to: "0.12.1", expect: clean },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.7.0", "0.11.1"],
      to: "0.12.0",
      check: reportNotFilledIn,
      expect: broken([noMethod]),
    },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.7.0"],
      to: "0.12.0",
      check: reportNotFilledIn,
      expect: broken([noMethod, { code: "report-not-filled-in" }]),
    },
    { to: "0.12.0", expect: broken([noMethod]) },
    { from: "0.3.2", with: pointsOfOneUser, via: ["0.6.0"], to: "0.12.0", expect: broken([noMethod]) },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.6.0"],
      to: "0.12.1",
      expect: broken("migration-failed", {
        release: "0.12.1",
        migration: "20240815174852_add_owntracks_points_data",
        exception: "RecordInvalid",
      }),
    },
  ],
});
