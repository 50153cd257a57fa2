// What was advised for points without a user is what Dawarich's own migration had done before: give all to the first
// user. With one user that is right. From the second user on it hands somebody's whereabouts to somebody else, and the
// upgrade comes through without a word.
import { broken, clean, defineScenario } from "migration-sandbox";
import { oneUserWithPoints, pointsOfOneUser, pointsOfTwoUsers, twoUsersWithPoints } from "../../seeds/dawarich.ts";
import { everyPointIsRight } from "./checks.ts";
import { v032, v060, v0111, v0111Mended } from "./releases.ts";
import { deleteThem, giveAllToTheFirstUser, giveEachToWhosePhoneItIs } from "./workarounds.ts";

const wrongUser = broken("point-of-the-wrong-user");

export default defineScenario({
  title: "giving all points to the first user is wrong once there are two",
  source: "https://github.com/Freika/dawarich/issues/192",
  engines: ["postgres"],
  chain: [v032, v060, v0111, v0111Mended],
  check: everyPointIsRight,
  paths: [
    { from: "0.3.2", with: pointsOfOneUser, to: "0.11.1", expect: clean },
    { from: "0.3.2", with: pointsOfTwoUsers, to: "0.11.1", expect: wrongUser },
    { from: "0.6.0", with: oneUserWithPoints, to: "0.11.1", workaround: giveAllToTheFirstUser, expect: clean },
    { from: "0.6.0", with: twoUsersWithPoints, to: "0.11.1", workaround: giveAllToTheFirstUser, expect: wrongUser },
    { from: "0.6.0", with: twoUsersWithPoints, to: "0.11.1", workaround: giveEachToWhosePhoneItIs, expect: clean },
    {
      from: "0.6.0",
      with: twoUsersWithPoints,
      to: "0.11.1",
      workaround: deleteThem,
      expect: broken("rows-lost", { release: "0.11.1", table: "points" }),
    },
    { from: "0.6.0", with: oneUserWithPoints, to: "0.11.1 mended", expect: clean },
    {
      from: "0.6.0",
      with: twoUsersWithPoints,
      to: "0.11.1 mended",
      expect: broken("point-without-a-user"),
    },
    {
      from: "0.6.0",
      with: twoUsersWithPoints,
      to: "0.11.1 mended",
      workaround: giveEachToWhosePhoneItIs,
      expect: clean,
    },
  ],
});
