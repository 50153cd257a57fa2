// A data migration of Dawarich 0.9.12 saves old points through the model of today, which demands a user since 0.9.0.
// The address without a log-in, which 0.4.0 to 0.6 still have, goes on storing points without one, after the migration
// that gave a user to all there were. So who upgrades step by step, using what they have, is stopped; who jumps is
// not, if somebody had registered by then.
import { broken, clean, defineScenario, startAgain } from "migration-sandbox";
import { importWithoutAUser, oneUserWithPoints, pointsAndNobody, pointsOfOneUser } from "../../seeds/dawarich.ts";
import { everyPointIsRight, halfFilledIn } from "./checks.ts";
import { v032, v040, v060, v070, v0111, v0111Mended } from "./releases.ts";

const userMustExist = broken("migration-failed", {
  release: "0.11.1",
  migration: "20240815174852_add_owntracks_points_data",
  exception: "RecordInvalid",
});
const atTheNewAddress = { phones: "at the new address" } as const;
const withoutMode = { phones: "at the old address", reports: "without m" } as const;

export default defineScenario({
  title: "points that came in without a user stop the upgrade of whoever did not skip releases",
  source: "https://github.com/Freika/dawarich/issues/191",
  engines: ["postgres"],
  chain: [v032, v040, v060, v070, v0111, v0111Mended],
  check: everyPointIsRight,
  paths: [
    { from: "0.3.2", with: pointsOfOneUser, to: "0.11.1", expect: clean },
    { from: "0.3.2", with: pointsOfOneUser, via: ["0.7.0"], to: "0.11.1", expect: clean },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.4.0", "0.6.0"],
      to: "0.11.1",
      check: halfFilledIn,
      expect: userMustExist,
    },
    { from: "0.3.2", with: pointsOfOneUser, via: ["0.6.0"], to: "0.11.1", expect: userMustExist },
    { from: "0.3.2", with: pointsOfOneUser, via: ["0.6.0", "0.7.0"], to: "0.11.1", expect: userMustExist },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.6.0"],
      to: "0.11.1",
      workaround: startAgain,
      expect: userMustExist,
    },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.4.0", "0.6.0"],
      to: "0.11.1",
      settings: atTheNewAddress,
      expect: clean,
    },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.6.0"],
      to: "0.11.1",
      settings: withoutMode,
      expect: broken("point-without-a-user"),
    },
    { from: "0.3.2", with: pointsAndNobody, to: "0.11.1", expect: userMustExist },
    { from: "0.3.2", with: pointsAndNobody, via: ["0.7.0"], to: "0.11.1", expect: userMustExist },
    { from: "0.7.0", with: oneUserWithPoints, to: "0.11.1", expect: clean },
    { from: "0.7.0", with: importWithoutAUser, to: "0.11.1", expect: userMustExist },
    { from: "0.3.2", to: "0.11.1", expect: clean },
    { to: "0.11.1", expect: clean },
    { from: "0.3.2", with: pointsOfOneUser, to: "0.11.1 mended", expect: clean },
    { from: "0.3.2", with: pointsOfOneUser, via: ["0.4.0", "0.6.0"], to: "0.11.1 mended", expect: clean },
    {
      from: "0.3.2",
      with: pointsOfOneUser,
      via: ["0.6.0"],
      to: "0.11.1 mended",
      settings: withoutMode,
      expect: clean,
    },
    { to: "0.11.1 mended", expect: clean },
  ],
});
