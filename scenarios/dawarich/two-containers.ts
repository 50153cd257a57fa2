// Until 0.22.0 both containers of Dawarich, app and sidekiq, migrate when they start, under a lock that refuses rather
// than waits. The one that is turned away ends with an error about the lock, starts again, and says it once more: that
// is what people report. While points without a user are in the other's way, it is a symptom, and no lock the cause.
import { broken, clean, defineScenario, startAgain } from "migration-sandbox";
import { pointsOfOneUser } from "../../seeds/dawarich.ts";
import { everyPointIsRight } from "./checks.ts";
import { v032, v060, v070, v0111, v0111Unlocked, v0111Waiting } from "./releases.ts";
import { giveAllToTheFirstUser, unlockFromTheConsole } from "./workarounds.ts";

const owntracksData = "20240815174852_add_owntracks_points_data";
const turnedAway = { code: "runner-refused", release: "0.11.1" };
const userMustExist = {
  code: "migration-failed",
  release: "0.11.1",
  migration: owntracksData,
  exception: "RecordInvalid",
};
const bound = { from: "0.3.2", with: pointsOfOneUser, via: ["0.7.0"] } as const;
const unbound = { from: "0.3.2", with: pointsOfOneUser, via: ["0.6.0"] } as const;

export default defineScenario({
  title: "a second container is turned away by the lock, and hides what stops the first",
  source: "https://github.com/Freika/dawarich/issues/192",
  engines: ["postgres"],
  chain: [v032, v060, v070, v0111, v0111Waiting, v0111Unlocked],
  check: everyPointIsRight,
  paths: [
    { ...bound, to: "0.11.1", expect: clean },
    { ...bound, to: "0.11.1", runners: 2, expect: broken([turnedAway]) },
    { ...bound, to: "0.11.1", runners: 2, workaround: startAgain, expect: clean },
    { ...unbound, to: "0.11.1", expect: broken([userMustExist]) },
    { ...unbound, to: "0.11.1", runners: 2, expect: broken([userMustExist, turnedAway]) },
    { ...unbound, to: "0.11.1", runners: 2, workaround: startAgain, expect: broken([userMustExist]) },
    { ...unbound, to: "0.11.1", runners: 2, workaround: unlockFromTheConsole, expect: broken([userMustExist]) },
    { ...unbound, to: "0.11.1", runners: 2, workaround: giveAllToTheFirstUser, expect: clean },
    { to: "0.11.1", runners: 2, expect: broken([turnedAway]) },
    { ...bound, to: "0.11.1 whose migrator waits", runners: 2, expect: clean },
    {
      ...unbound,
      to: "0.11.1 whose migrator waits",
      runners: 2,
      expect: broken([{ ...userMustExist, release: "0.11.1 whose migrator waits" }]),
    },
    { to: "0.11.1 whose migrator waits", runners: 2, expect: clean },
    {
      ...bound,
      to: "0.11.1 without a lock",
      runners: 2,
      expect: broken("migration-failed", {
        release: "0.11.1 without a lock",
        migration: "20240721183005_create_visits",
        postgres: "42P07",
      }),
    },
  ],
});
