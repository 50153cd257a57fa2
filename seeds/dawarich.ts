import { oneToMany, seeder, type Task, withoutParent } from "migration-sandbox";

type User = { readonly id: number; readonly email: string };

/** What phones do while a release is in use. */
export interface Phones {
  readonly phones: "at the old address" | "at the new address";
  /** Some phones leave out the monitoring mode, by which OwnTracks reports are told from others later. */
  readonly reports?: "without m";
}

const ann: User = { id: 1, email: "ann@example.org" };
const bob: User = { id: 2, email: "bob@example.org" };
const [owntracks, googleRecords] = [1, 2];
const theImport = 1;
const spring = 1_711_900_800;

/** Out of Google's records, which say nothing of a phone: whose it is, only the import can tell. */
const importedPoint = { ...rowOf({ lat: 52.5, lon: 13.4, tst: spring }), import_id: theImport };

export const pointsOfOneUser = seeder("points of one user", async ({ plant }) => {
  await plant("users", [ann]);
  await plant("imports", [importOf(ann, googleRecords)]);
  await plant("points", [...oneToMany([ann], [2], pointOf), importedPoint]);
});

/** Both have a phone, and the one who registered later has an import too: that says whose its points are. */
export const pointsOfTwoUsers = seeder("points of two users", async ({ plant }) => {
  await plant("users", [ann, bob]);
  await plant("imports", [importOf(bob, googleRecords)]);
  await plant("points", [...oneToMany([ann, bob], [2, 1], pointOf), importedPoint]);
});

export const pointsAndNobody = seeder("points, and nobody who has registered", ({ plant }) =>
  plant("points", [pointOf(ann, 0)]),
);

export const oneUserWithPoints = seeder("one user, whose points are bound", async ({ plant }) => {
  await plant("users", [ann]);
  await plant("points", oneToMany([ann], [2], boundPointOf));
});

export const twoUsersWithPoints = seeder("two users, whose points are bound", async ({ plant }) => {
  await plant("users", [ann, bob]);
  await plant("points", oneToMany([ann, bob], [2, 1], boundPointOf));
});

/** Somebody of their own for each release at which a path stands, so that whoever stops on the way has several. */
export const somebodyWhoRegisteredAt = (release: keyof typeof registered) =>
  seeder(`somebody who registered at ${release}`, async ({ plant }) => {
    await plant("users", [registered[release]]);
    await plant("points", oneToMany([registered[release]], [2], boundPointOf));
  });

const registered = {
  "0.4.0": { id: 4, email: "cleo@example.org" },
  "0.6.0": { id: 6, email: "dora@example.org" },
  "0.7.0": { id: 7, email: "egon@example.org" },
} as const;

export const importWithoutAUser = seeder("an OwnTracks import whose points have no user", async ({ plant }) => {
  await plant("users", [ann]);
  await plant("imports", [importOf(ann, owntracks)]);
  await plant(
    "points",
    withoutParent([{ ...rowOf(reportOf(ann, 0, { m: undefined })), import_id: theImport, user_id: ann.id }], "user_id"),
  );
});

export const knownConnections = seeder("reports by Wi-Fi, by mobile and offline", async ({ plant }) => {
  await plant("users", [ann]);
  await plant("points", ["w", "m", "o"].map(reportedBy));
});

export const anotherConnection = seeder("a report by a connection of another kind", async ({ plant }) => {
  await plant("users", [ann]);
  await plant("points", ["w", "x"].map(reportedBy));
});

export const anotherConnectionWithoutAUser = seeder("such a report without a user", async ({ plant }) => {
  await plant("users", [ann]);
  await plant("points", withoutParent(["x"].map(reportedBy), "user_id"));
});

/** Every user's phone reports once more. The old address does not ask whose it is. */
export const phonesReport: Task<Phones | undefined> = async ({ db, settings }) => {
  const { phones = "at the old address", reports } = settings ?? {};
  const users: readonly User[] = await db("users").orderBy("id");
  const before = Number((await db("points").count().first())?.count);
  for (const [i, user] of users.entries()) {
    const point = rowOf(reportOf(user, before + i, reports === "without m" ? { m: undefined } : {}));
    await db("points").insert(phones === "at the new address" ? { ...point, user_id: user.id } : point);
  }
};

function pointOf(user: User, n: number) {
  return rowOf(reportOf(user, n));
}

function boundPointOf(user: User, n: number) {
  return { ...pointOf(user, n), user_id: user.id };
}

function reportedBy(conn: string, n: number) {
  return { ...rowOf(reportOf(ann, n, { conn })), user_id: ann.id };
}

/** A user's nth report. The phone is named after whose it is (`tid`): that tells, whatever the row says. */
function reportOf({ email }: User, n: number, more: object = {}) {
  const place = { lat: 52.52 + n / 1000, lon: 13.405, tst: spring + 60 * n };
  const state = { acc: 5 + n, alt: 34, batt: 90 - n, bs: 1, conn: "w", m: 1, vel: 3 };
  return { _type: "location", ...place, ...state, tid: email.slice(0, 2), ...more };
}

function rowOf(report: { readonly lat: number; readonly lon: number; readonly tst: number }) {
  const { lat, lon, tst } = report;
  return { latitude: lat, longitude: lon, timestamp: tst, raw_data: JSON.stringify(report) };
}

function importOf({ id, email }: User, source: number) {
  return { id: theImport, name: `export of ${email}`, user_id: id, source };
}
