import type { Task } from "migration-sandbox";

/** What was advised: right by luck as long as there is one user. */
export const giveAllToTheFirstUser: Task<unknown> = async ({ db }) => {
  await db("points")
    .whereNull("user_id")
    .update({ user_id: db("users").min("id") });
};

/** Somebody who knows the phones says whose they are. */
export const giveEachToWhosePhoneItIs: Task<unknown> = async ({ db }) => {
  await db.raw(
    `update points p set user_id = u.id from users u
     where p.user_id is null and left(u.email, 2) = p.raw_data ->> 'tid'`,
  );
};

export const deleteThem: Task<unknown> = async ({ db }) => {
  await db("points").whereNull("user_id").delete();
};

/** Releases only what its own session holds, which is nothing. */
export const unlockFromTheConsole: Task<unknown> = async ({ db }) => {
  await db.raw("select pg_advisory_unlock_all()");
};

export const forgetTheConnection: Task<unknown> = async ({ db }) => {
  await db.raw(`update points set raw_data = raw_data - 'conn' || '{"conn": "m"}' where raw_data ->> 'conn' = 'x'`);
};
