import type { Database } from "migration-sandbox";

/** The application's model of a point, as 0.9.0 made it stricter than the schema: a point must have a user. */
export interface Point {
  readonly id: string;
  readonly user_id: string | null;
  readonly raw_data: Report;
}

/** What an OwnTracks phone reports, as far as it is told here; another app's report has other keys. */
interface Report {
  readonly acc?: number;
  readonly alt?: number;
  readonly batt?: number;
  readonly bs?: number;
  readonly conn?: string;
  readonly lat: number;
  readonly lon: number;
  readonly m?: number;
  /** The phone's own short name: it says whose phone it is. */
  readonly tid?: string;
  readonly tst: number;
  readonly vel?: number;
}

/** The record breaks a rule of the model. No error of the database lies beneath, so it has no SQLSTATE. */
export class RecordInvalid extends Error {}

/** An enum of the model is given a name that it does not have. */
export class ArgumentError extends Error {}

/** Code calls what is not there. */
export class NoMethodError extends Error {}

const connections = { mobile: 0, wifi: 1, offline: 2 };
const laterConnections = { ...connections, unknown: 4 };
const batteryStatuses = { unknown: 0, unplugged: 1, charging: 2, full: 3 };

/** Saves a point through the model: an enum refuses a name when it is assigned, ahead of any validation. */
export async function save(db: Database, point: Point): Promise<void> {
  const assigned = attributesOf(point.raw_data, connections);
  if (point.user_id === null) throw new RecordInvalid("Validation failed: User must exist");
  await db("points").where({ id: point.id }).update(assigned);
}

/** Writes the same columns without asking the model, and with the enum as a later release has it. */
export async function write(db: Database, point: Point): Promise<void> {
  await db("points").where({ id: point.id }).update(attributesOf(point.raw_data, laterConnections));
}

function attributesOf(report: Report, known: Readonly<Record<string, number>>) {
  const { acc, alt, batt, bs, conn, tid, vel } = report;
  return {
    accuracy: acc ?? null,
    altitude: alt ?? null,
    battery: batt ?? null,
    battery_status: enumValue("battery_status", batteryStatuses, ["unknown", "unplugged", "charging", "full"][bs ?? 0]),
    connection: enumValue("connection", known, { m: "mobile", w: "wifi", o: "offline" }[conn ?? ""]),
    tracker_id: tid ?? null,
    velocity: vel?.toString() ?? null,
  };
}

function enumValue(column: string, known: Readonly<Record<string, number>>, name = "unknown"): number {
  const value = known[name];
  if (value === undefined) throw new ArgumentError(`'${name}' is not a valid ${column}`);
  return value;
}
