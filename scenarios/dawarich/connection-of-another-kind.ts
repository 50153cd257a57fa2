// The second trap in the data migration that stops Dawarich 0.9.12: a report by a connection other than w, m and o is
// called "unknown" by the code that reads it, and the model of that day has no such name. It strikes when the value is
// assigned, ahead of the validation that asks for a user: it hides the first trap, whose workaround is then no help.
import { broken, clean, defineScenario } from "migration-sandbox";
import { anotherConnection, anotherConnectionWithoutAUser, knownConnections } from "../../seeds/dawarich.ts";
import { everyPointIsRight, halfFilledIn } from "./checks.ts";
import { v070, v0111, v0111Mended } from "./releases.ts";
import { forgetTheConnection, giveAllToTheFirstUser } from "./workarounds.ts";

const failing = (exception: string) =>
  broken("migration-failed", {
    release: "0.11.1",
    migration: "20240815174852_add_owntracks_points_data",
    exception,
  });
const noSuchConnection = failing("ArgumentError");
const userMustExist = failing("RecordInvalid");
const both = { from: "0.7.0", with: anotherConnectionWithoutAUser } as const;

export default defineScenario({
  title: "a report by a connection that the model has no name for stops the upgrade",
  source: "https://github.com/Freika/dawarich/issues/192",
  engines: ["postgres"],
  chain: [v070, v0111, v0111Mended],
  check: everyPointIsRight,
  paths: [
    { from: "0.7.0", with: knownConnections, to: "0.11.1", expect: clean },
    { from: "0.7.0", with: anotherConnection, to: "0.11.1", check: halfFilledIn, expect: noSuchConnection },
    { from: "0.7.0", with: anotherConnection, to: "0.11.1", workaround: forgetTheConnection, expect: clean },
    { ...both, to: "0.11.1", expect: noSuchConnection },
    { ...both, to: "0.11.1", workaround: giveAllToTheFirstUser, expect: noSuchConnection },
    { ...both, to: "0.11.1", workaround: forgetTheConnection, expect: userMustExist },
    { from: "0.7.0", with: knownConnections, to: "0.11.1 mended", expect: clean },
    { from: "0.7.0", with: anotherConnection, to: "0.11.1 mended", expect: clean },
    { ...both, to: "0.11.1 mended", expect: clean },
  ],
});
