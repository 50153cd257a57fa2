import { type Migration, type MigrationSource, release, sqlFolder, type Tasks } from "migration-sandbox";
import { type Phones, phonesReport } from "../../seeds/dawarich.ts";
import {
  addOwntracksPointsData,
  addOwntracksPointsDataBesideTheModel,
  bindExistingPointsToFirstUser,
  bindPointsThatCameInLater,
  runInitialVisitSuggestion,
  runInitialVisitSuggestionAsReleased,
} from "./data-migrations.ts";

const schema032 = ["0.3.2"];
const schema040 = [...schema032, "0.4.0"];
const schema0111 = [...schema040, "0.11.1"];

/** A migrator that finds the lock held gives up at once, and with it the container that it runs in. */
const lock = "refuse";

const use: Tasks<Phones | undefined> = { "phones report where they are": phonesReport };

export const v032 = release("0.3.2", { migrations: shipped(schema032), lock });

/** Points have a user from here on; the old address, which asks nobody who they are, stays. */
export const v040 = release("0.4.0", { migrations: shipped(schema040, bindExistingPointsToFirstUser), lock, use });

export const v060 = release("0.6.0", { migrations: shipped(schema040, bindExistingPointsToFirstUser), lock, use });

/** The old address is gone: who still reports there is not heard. */
export const v070 = release("0.7.0", { migrations: shipped(schema040, bindExistingPointsToFirstUser), lock });

const migrations0111 = shipped(schema0111, bindExistingPointsToFirstUser, addOwntracksPointsData);

export const v0111 = release("0.11.1", { migrations: migrations0111, lock });

export const v0111Mended = release("0.11.1 mended", {
  insteadOf: "0.11.1",
  migrations: shipped(
    schema0111,
    bindExistingPointsToFirstUser,
    bindPointsThatCameInLater,
    addOwntracksPointsDataBesideTheModel,
  ),
  lock,
});

export const v0111Waiting = release("0.11.1 whose migrator waits", {
  insteadOf: "0.11.1",
  migrations: migrations0111,
  lock: "wait",
});

export const v0111Unlocked = release("0.11.1 without a lock", {
  insteadOf: "0.11.1",
  migrations: migrations0111,
  lock: "none",
});

export const v0120 = release("0.12.0", {
  migrations: shipped(
    schema0111,
    bindExistingPointsToFirstUser,
    runInitialVisitSuggestionAsReleased,
    addOwntracksPointsData,
  ),
  lock,
});

export const v0121 = release("0.12.1", {
  migrations: shipped(schema0111, bindExistingPointsToFirstUser, runInitialVisitSuggestion, addOwntracksPointsData),
  lock,
});

/** All schema migrations run before any data migration. */
function shipped(folders: readonly string[], ...data: Migration[]): MigrationSource {
  const schema = sqlFolder(...folders.map((folder) => new URL(`./releases/${folder}/`, import.meta.url)));
  return { read: async () => [...(await schema.read()), ...data] };
}
