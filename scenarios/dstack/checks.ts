import { type Check, invariant, type Snapshot } from "migration-sandbox";

const volumeOfTheWrongOwner = invariant(
  "volume-of-the-wrong-owner",
  `select v.id, v.user_id, p.owner_id from volumes v join projects p on p.id = v.project_id
   where v.user_id <> p.owner_id or v.user_id is null`,
);

/** No volume more and none less than there were, soft-deleted ones included. */
export const otherVolumes: Check = async (ledger) => {
  let others = 0;
  for await (const { kind } of ledger.changes("volumes")) if (kind === "added" || kind === "lost") others++;
  const message = `${others} volumes came or went`;
  return others === 0 ? [] : [{ code: "other-volumes", table: "volumes", message }];
};

/** The database itself sees to it that a volume has an owner, and one that there is. */
export const ownerNotGuarded: Check = async ({ after }) => {
  const volumes = await tableOfVolumes(after);
  const [column, key] = [
    volumes?.columns.find(({ name }) => name === "user_id"),
    volumes?.foreignKeys.find(({ columns }) => columns.join() === "user_id"),
  ];
  const guarded =
    column?.nullable === false && key?.to === "users" && key.onDelete.toLowerCase() === "cascade" && key.validated;
  const message = "volumes.user_id may be NULL, or refers to no user";
  return guarded ? [] : [{ code: "owner-not-guarded", table: "volumes", column: "user_id", message }];
};

/** Where a path has failed: what the rollback has not taken back. */
export const columnLeftBehind: Check = async ({ after }) => {
  const left = (await tableOfVolumes(after))?.columns.some(({ name }) => name === "user_id");
  const message = "the failed upgrade leaves volumes.user_id behind";
  return left ? [{ code: "column-left-behind", table: "volumes", column: "user_id", message }] : [];
};

export const everyVolumeHasItsOwner = [volumeOfTheWrongOwner, otherVolumes, ownerNotGuarded];

async function tableOfVolumes(snapshot: Snapshot) {
  return (await snapshot.tables()).find(({ name }) => name === "volumes");
}
