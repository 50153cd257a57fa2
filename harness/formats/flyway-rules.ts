import type { LeftOut, Migration, Shipment } from "../chain.ts";
import type { Migrator } from "../migrator.ts";
import { byVersion, nameIn, type Version, versionIn } from "./flyway-names.ts";
import { record, type Shipped } from "./flyway-record.ts";
import type { Folder, ReadOptions } from "./format.ts";

interface Rules {
  readonly migrations: readonly Migration[];
  readonly left: readonly LeftOut[];
  readonly options: ReadOptions;
}

/** Flyway's rules, and what its settings in the folder change about them. */
export async function migratorOf(folder: Folder, { migrations, left, options }: Rules): Promise<Migrator> {
  return {
    title: "Flyway",
    engines: ["postgres", "mysql", "mariadb"],
    transaction: "each",
    lock: "wait",
    late: (await runsLate(folder)) ? "run" : "refuse",
    edited: "refuse",
    removed: "refuse",
    record: record(shippedOf(migrations, left), options),
  };
}

/** Of what a folder ships, no more than an earlier release did: a baseline that came later stands for nothing yet. */
export function part(shipment: Shipment, migrations: readonly Migration[], options: ReadOptions): Shipment {
  const { leftOut = [], migrator, ...others } = shipment;
  // Asked for only where it counts: for a release of each migration, all would be looked through for all.
  const newest = leftOut.length === 0 ? undefined : versionsOf(migrations).sort(byVersion).at(-1);
  const left = leftOut.filter(({ name }) => {
    const version = versionOfCode(name);
    return version === undefined || newest === undefined || byVersion(version, newest) <= 0;
  });
  return {
    ...others,
    migrations,
    ...(migrator !== undefined && { migrator: { ...migrator, record: record(shippedOf(migrations, left), options) } }),
    ...(left.length > 0 && { leftOut: left }),
  };
}

/** Told once a database is there: of many releases, few are asked. */
function shippedOf(migrations: readonly Migration[], left: readonly LeftOut[]): () => Shipped {
  return () => {
    const inCode = left.flatMap(({ name }) => {
      const version = versionOfCode(name);
      return version === undefined ? [] : [[version, name] as const];
    });
    const baseline = migrations.find((migration) => versionOf(migration, "SQL_BASELINE") !== undefined);
    const { id = "", checksum = "" } = baseline?.recordedAs ?? {};
    const version = baseline && versionOf(baseline, "SQL_BASELINE");
    return {
      versions: [...versionsOf(migrations), ...inCode.map(([version]) => version)],
      leftOut: new Map(inCode.map(([{ id }, name]) => [id, name])),
      ...(version !== undefined && { baseline: { id, checksum, version } }),
    };
  };
}

function versionsOf(migrations: readonly Migration[]): Version[] {
  return migrations.flatMap((migration) => versionOf(migration, "SQL") ?? []);
}

function versionOf({ recordedAs }: Migration, type: string): Version | undefined {
  const { facts = {} } = recordedAs ?? {};
  return facts.type === type && facts.version !== undefined ? versionIn(String(facts.version)) : undefined;
}

function versionOfCode(name: string): Version | undefined {
  const one = nameIn(name, /\.[^.]*$/.exec(name)?.[0]);
  return one?.kind === "versioned" ? one.version : undefined;
}

/** Whether the product's settings, `flyway.conf` or `flyway.toml`, let migrations run that are older than the newest applied. */
async function runsLate(folder: Folder): Promise<boolean> {
  const files = ["flyway.conf", "flyway.toml"].filter((file) => folder.files.includes(file));
  const texts = await Promise.all(files.map((file) => folder.text(file)));
  // Flyway takes what its newer kind of settings says, where there are both.
  return texts.flatMap(saidIn).at(-1) ?? false;
}

function saidIn(text: string): readonly boolean[] {
  let section = "";
  return text.split(/\r?\n/).flatMap((line) => {
    section = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1] ?? section;
    const [, name, value] = /^\s*([\w.]+)\s*[=:]\s*"?(\w+)/.exec(line) ?? [];
    const isIt = (section === "" ? name : `${section}.${name}`) === "flyway.outOfOrder";
    return isIt ? [value?.toLowerCase() === "true"] : [];
  });
}
