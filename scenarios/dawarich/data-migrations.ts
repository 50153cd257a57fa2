import type { Database, Migration } from "migration-sandbox";
import { NoMethodError, type Point, save, write } from "./model.ts";

/** OwnTracks among the sources that an import may have. */
const owntracks = 1;

/** All points there are go to whoever registered first. Without anybody it does nothing, and is recorded as done. */
export const bindExistingPointsToFirstUser: Migration = {
  name: "20240525110530_bind_existing_points_to_first_user",
  up: async (db) => {
    const first = await db("users").orderBy("id").first("id");
    if (first !== undefined) await db("points").whereNull("user_id").update({ user_id: first.id });
  },
};

/** The trap: old rows are saved through the model of today. */
export const addOwntracksPointsData: Migration = {
  name: "20240815174852_add_owntracks_points_data",
  up: async (db) => {
    for (const point of await owntracksPoints(db)) await save(db, point);
  },
};

/** As it should have been: what came in without a user goes to the only user there is, or is left as it is. */
export const bindPointsThatCameInLater: Migration = {
  name: "20240815174851_bind_points_that_came_in_later",
  up: async (db) => {
    const [only, ...others] = await db("users").select("id");
    if (only !== undefined && others.length === 0) await db("points").whereNull("user_id").update({ user_id: only.id });
  },
};

/** As it should have been: a migration writes columns, and leaves the model to the release it belongs to. */
export const addOwntracksPointsDataBesideTheModel: Migration = {
  name: addOwntracksPointsData.name,
  up: async (db) => {
    for (const point of await owntracksPoints(db)) await write(db, point);
  },
};

/**
 * Older by its timestamp than the one for OwnTracks, and shipped after it. What the product queues as a job is done at
 * once here.
 */
export const runInitialVisitSuggestion: Migration = {
  name: "20240808133112_run_initial_visit_suggestion",
  up: async (db) => {
    await db.raw(
      `insert into visits (user_id, started_at, ended_at, name)
       select user_id, min("timestamp"), max("timestamp"), 'suggested' from points
       where user_id is not null group by user_id order by user_id`,
    );
    await db.raw("update points p set visit_id = v.id from visits v where v.user_id = p.user_id");
  },
};

export const runInitialVisitSuggestionAsReleased: Migration = {
  name: runInitialVisitSuggestion.name,
  up: async () => {
    throw new NoMethodError("undefined method that would begin the visits");
  },
};

/** Points of an OwnTracks import, and all others that look like an OwnTracks report. */
async function owntracksPoints(db: Database): Promise<readonly Point[]> {
  return db("points")
    .select("id", "user_id", "raw_data")
    .whereIn("import_id", db("imports").select("id").where({ source: owntracks }))
    .orWhereRaw("jsonb_exists_all(raw_data, array['m', 'acc'])")
    .orderBy("id");
}
