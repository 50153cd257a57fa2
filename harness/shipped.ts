import type { Release, Shipment } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { HarnessError } from "./errors.ts";
import type { Folder, ReadOptions } from "./formats/format.ts";
import type { LockRule, TransactionRule } from "./migrator.ts";

/** How folders are read. */
export interface ReadAs extends Omit<ReadOptions, "engine"> {
  /** The format's name; what the folder shows unless said. */
  readonly format?: string;
  /** How the product's migrator uses transactions, where that is not its format's rule. */
  readonly transaction?: TransactionRule;
  readonly lock?: LockRule;
}

/** Reads what one folder ships, or several that are joined: once for each engine. */
export function shippedBy(
  folders: readonly (() => Promise<Folder>)[],
  { format, transaction, lock, ...how }: ReadAs,
): (engine: EngineName) => Promise<Shipment> {
  const read = new Map<EngineName, Promise<Shipment>>();
  const readAll = async (engine: EngineName) => {
    // All formats at once: too much to load for those who have none.
    const { formatNamed, formatOf } = await import("./formats/detect.ts");
    const shipments: Shipment[] = [];
    for (const open of folders) {
      const folder = await open();
      const known = format === undefined ? (await formatOf(folder)).format : formatNamed(format);
      shipments.push(await known.read(folder, { ...how, engine }));
    }
    return joined(shipments);
  };
  return (engine) => {
    const shipment = read.get(engine) ?? readAll(engine);
    read.set(engine, shipment);
    return shipment;
  };
}

/** The rules that are said of the product, and not of its format. */
export function rulesOf({ transaction, lock }: ReadAs): Pick<Release, "transaction" | "lock"> {
  return { ...(transaction !== undefined && { transaction }), ...(lock !== undefined && { lock }) };
}

function joined([first, ...more]: readonly Shipment[]): Shipment {
  if (first === undefined) return { migrations: [] };
  const other = more.find(({ migrator }) => migrator?.title !== first.migrator?.title);
  if (other !== undefined) {
    const titles = [first, other].map(({ migrator }) => migrator?.title ?? "plain SQL").join(" and ");
    throw new HarnessError("bad-input", `Cannot join folders of migrations: they are of two formats, ${titles}`);
  }
  const all = [first, ...more];
  return {
    ...first,
    migrations: all.flatMap(({ migrations }) => migrations),
    leftOut: all.flatMap(({ leftOut }) => leftOut ?? []),
  };
}
