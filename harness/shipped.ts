import type { Migration, Release, Shipment } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { HarnessError } from "./errors.ts";
import type { Folder, Format, ReadOptions } from "./formats/format.ts";
import type { LockRule, Migrator, TransactionRule } from "./migrator.ts";

/** How folders are read. */
export interface ReadAs extends Omit<ReadOptions, "engine"> {
  /** The format's name; what the folder shows unless said. */
  readonly format?: string;
  /** How the product's migrator uses transactions, where that is not its format's rule. */
  readonly transaction?: TransactionRule;
  readonly lock?: LockRule;
  /**
   * What the product's migrator does with a migration that is older than the newest it has applied, where that is not its
   * format's rule: `run` for Flyway's `outOfOrder` and goose's `-allow-missing`.
   */
  readonly late?: Migrator["late"];
}

/** What folders ship, and what a part of it is as an earlier release shipped it. */
export interface Reading {
  readonly shipment: Shipment;
  part(migrations: readonly Migration[]): Shipment;
}

type Opened = () => Promise<Folder>;

/** Reads what one folder ships, or several that are joined: once for each engine. */
export function shippedBy(folders: readonly Opened[], how: ReadAs): (engine: EngineName) => Promise<Shipment> {
  const read = readingOf(folders, how);
  return async (engine) => (await read(engine)).shipment;
}

/** The same, for those who make several releases of it. */
export function readingOf(folders: readonly Opened[], how: ReadAs): (engine: EngineName) => Promise<Reading> {
  const read = new Map<EngineName, Promise<Reading>>();
  return (engine) => {
    const reading = read.get(engine) ?? readAll(folders, how, engine);
    read.set(engine, reading);
    return reading;
  };
}

/** The rules that are said of the product, and not of its format. */
export function rulesOf({ transaction, lock }: ReadAs): Pick<Release, "transaction" | "lock"> {
  return { ...(transaction !== undefined && { transaction }), ...(lock !== undefined && { lock }) };
}

async function readAll(
  opened: readonly Opened[],
  { format: name, transaction, lock, late, ...how }: ReadAs,
  engine: EngineName,
): Promise<Reading> {
  refuseRule(late);
  const folders = await Promise.all(opened.map((open) => open()));
  const options = { ...how, engine };
  const format = await formatOfAll(folders, name);
  if (format === undefined) return { shipment: { migrations: [] }, part: (migrations) => ({ migrations }) };
  const read = await readJoined(folders, format, options);
  const { migrator } = read;
  if (migrator === undefined && late !== undefined && late !== "run") {
    const why = `${format.title} has no tool that keeps a record, and what comes late is run (leave late out)`;
    throw new HarnessError("bad-input", `Cannot read migrations as late: ${JSON.stringify(late)}: ${why}`);
  }
  const shipment = migrator === undefined || late === undefined ? read : { ...read, migrator: { ...migrator, late } };
  return {
    shipment,
    part: (migrations) => format.part?.(shipment, migrations, options) ?? { ...shipment, migrations },
  };
}

function refuseRule(late: string | undefined): void {
  if (late === undefined || ["run", "skip", "refuse"].includes(late)) return;
  const known = 'known: "run", "skip", "refuse"';
  throw new HarnessError(
    "bad-input",
    `Cannot read migrations as late: ${JSON.stringify(late)}: no such rule (${known})`,
  );
}

/** A folder that many releases are joined of is looked at once. */
const detected = new WeakMap<Folder, Format>();

/** The format of all of them; `undefined` where there are none. */
async function formatOfAll(folders: readonly Folder[], name: string | undefined): Promise<Format | undefined> {
  // All formats at once: too much to load for those who have none.
  const { formatNamed, formatOf } = await import("./formats/detect.ts");
  if (name !== undefined) return formatNamed(name);
  let all: Format | undefined;
  for (const folder of folders) {
    const format = detected.get(folder) ?? (await formatOf(folder)).format;
    detected.set(folder, format);
    if (all !== undefined && format !== all) {
      const titles = `${all.title} and ${format.title}`;
      throw new HarnessError("bad-input", `Cannot join folders of migrations: they are of two formats, ${titles}`);
    }
    all = format;
  }
  return all;
}

/** As their tool would read them that is pointed at all of them; without one, each comes behind those before it. */
async function readJoined(folders: readonly Folder[], format: Format, options: ReadOptions): Promise<Shipment> {
  const [first, ...more] = folders;
  if (first === undefined) return { migrations: [] };
  if (more.length > 0 && format.numbersPerFolder === undefined) {
    const { joinedFolder } = await import("./formats/joined-folder.ts");
    return format.read(await joinedFolder(folders), options);
  }
  const shipments = [await format.read(first, options)];
  for (const folder of more) shipments.push(await format.read(folder, options));
  const leftOut = shipments.flatMap(({ leftOut }) => leftOut ?? []);
  return {
    ...shipments[0],
    migrations: shipments.flatMap(({ migrations }) => migrations),
    ...(leftOut.length > 0 && { leftOut }),
  };
}
