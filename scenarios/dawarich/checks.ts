import { invariant } from "migration-sandbox";

/** Passes the upgrade unseen where nothing saves it: the schema lets it be. */
export const pointWithoutAUser = invariant("point-without-a-user", "select id from points where user_id is null");

/** Whose a point really is: its phone's own name says so, or else the import that it came with. */
export const pointOfTheWrongUser = invariant(
  "point-of-the-wrong-user",
  `select p.id, u.email, p.raw_data ->> 'tid' as phone, i.user_id as imported_by
   from points p join users u on u.id = p.user_id left join imports i on i.id = p.import_id
   where p.raw_data ->> 'tid' <> left(u.email, 2) or i.user_id <> p.user_id`,
);

/** What the phone said is in the columns. */
export const reportNotFilledIn = invariant(
  "report-not-filled-in",
  `select id from points
   where jsonb_exists_all(raw_data, array['m', 'acc'])
     and (accuracy, battery, tracker_id) is distinct from
       ((raw_data ->> 'acc')::int, (raw_data ->> 'batt')::int, raw_data ->> 'tid')`,
);

/** A data migration is one transaction: those that it had saved before the one that it could not are taken back. */
export const halfFilledIn = invariant("half-filled-in", "select id from points where accuracy is not null");

export const everyPointIsRight = [pointWithoutAUser, pointOfTheWrongUser, reportNotFilledIn];
