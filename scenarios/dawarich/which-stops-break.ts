// The same upgrade from each release of Dawarich to each later one, while phones report by the address that asks nobody who
// they are. Here it is the stops that break: whoever jumps from 0.3.2 to 0.11.1 comes through, and whoever used 0.4.0 or
// 0.6.0 on the way, or began with it, does not, wherever else they stop.
import { broken, clean, defineScenario } from "migration-sandbox";
import { pointsOfOneUser, somebodyWhoRegisteredAt } from "../../seeds/dawarich.ts";
import { everyPointIsRight } from "./checks.ts";
import { v032, v040, v060, v070, v0111 } from "./releases.ts";

const userMustExist = broken("migration-failed", {
  release: "0.11.1",
  migration: "20240815174852_add_owntracks_points_data",
  exception: "RecordInvalid",
});
const used = ["0.4.0", "0.6.0"] as const;

export default defineScenario({
  title: "stopping where points of nobody still come in breaks an upgrade that a jump comes through",
  source: "https://github.com/Freika/dawarich/issues/191",
  engines: ["postgres"],
  chain: [v032, v040, v060, v070, v0111],
  seeds: {
    "0.3.2": pointsOfOneUser,
    "0.4.0": somebodyWhoRegisteredAt("0.4.0"),
    "0.6.0": somebodyWhoRegisteredAt("0.6.0"),
    "0.7.0": somebodyWhoRegisteredAt("0.7.0"),
  },
  paths: [
    { every: "all", expect: clean, but: [{ from: used, to: "0.11.1", expect: userMustExist }] },
    { from: "0.3.2", to: "0.11.1", check: everyPointIsRight, expect: clean },
    { every: "to-latest", settings: { phones: "at the new address" }, check: everyPointIsRight, expect: clean },
    { every: { via: ["0.4.0"] }, expect: clean, but: [{ from: ["0.3.2", ...used], expect: userMustExist }] },
    { every: { via: ["0.6.0"] }, expect: clean, but: [{ from: ["0.3.2", ...used], expect: userMustExist }] },
    { every: { via: ["0.7.0"] }, expect: clean, but: [{ from: used, expect: userMustExist }] },
    { every: "stepwise", expect: userMustExist },
  ],
});
