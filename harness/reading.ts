import type { OpenSnapshot } from "./engines/engine.ts";
import { Prints, printOf, wholeOf } from "./prints.ts";
import { type Counted, type Held, Holding, remembered } from "./remembered.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Catalogue, Part, Rows, Snapshot, TableOutline, Thing, Values } from "./snapshot.ts";

/** A snapshot that opens when it is first read, and again after it was closed: a sandbox that is read cannot be cloned. */
export interface Reading extends Counted {
  close(): Promise<void>;
  /** The same, where somebody will soon read the same sandbox at another moment. */
  pause(): Promise<void>;
  /** Asks at once what whoever compares mostly asks: tables, and prints of their keys and, where they are small, of their whole rows. */
  foresee(): Promise<Held>;
  /** What a ledger asks of it, to be asked when it is gone; `undefined` where that is more than should be held. */
  remembered(): Promise<Counted | undefined>;
  /** Takes that from a copy that nobody has touched yet, and need not be entered for it. */
  learn(copy: Sandbox): Promise<void>;
  /** Closes it for good, and lets go of what it remembers: nobody asks for this state any more. */
  forget(): Promise<void>;
}

/** A reading, and what is known of its rows. */
interface Knowing extends Reading {
  readonly known: Prints;
  readonly large: ReadonlySet<string>;
}

/** So many bytes of rows are hashed without a thought. */
const fewBytes = 2 ** 20;
/** Of so many tables rows are asked for in one message, and held until they are looked at. */
const tablesAtATime = 64;

export function readingOf(sandbox: Sandbox): Reading {
  return knowing(sandbox);
}

function knowing(sandbox: Sandbox): Knowing {
  let opening: ReturnType<Sandbox["snapshot"]> | undefined;
  let catalogue: Promise<Catalogue> | undefined;
  let parts: Promise<readonly Part[]> | undefined;
  let tables: Promise<readonly TableOutline[]> | undefined;
  let hasRows: Promise<boolean> | undefined;
  let holding: Promise<ReadonlyMap<string, number>> | undefined;
  let learning: Promise<void> | undefined;
  let held: Promise<Counted | undefined> | undefined;
  /** Nothing changes in a state. */
  const prints = new Prints();
  /** Tables whose rows are many, or wide: the server tells their prints. */
  const large = new Set<string>();
  /** Questions that are being answered. */
  let open = 0;
  let waiting: (() => void)[] = [];
  const { recordTables } = sandbox;
  const isProducts = ({ name }: { readonly name: string }) => !recordTables.has(name);

  async function enter(): Promise<Awaited<ReturnType<Sandbox["snapshot"]>>> {
    // While it is copied, nobody may be in it.
    while (sandbox.isCopied) await sandbox.copied();
    open++;
    opening ??= sandbox.snapshot();
    return opening;
  }
  // Whoever could not enter has been counted, too.
  function leave(): void {
    open--;
    if (open > 0) return;
    for (const go of waiting) go();
    waiting = [];
  }
  async function asked<T>(ask: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    try {
      return await ask(await enter());
    } finally {
      leave();
    }
  }
  async function* read<T>(rows: (snapshot: Snapshot) => AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* rows(await enter());
    } finally {
      leave();
    }
  }
  /** Others may be reading the same state: what they have asked is answered first. */
  async function left(): Promise<OpenSnapshot | undefined> {
    while (open > 0) await new Promise<void>((go) => waiting.push(go));
    const was = opening;
    opening = undefined;
    return was?.catch(() => undefined);
  }
  async function close(): Promise<void> {
    await (await left())?.end();
  }
  /** Reads the rows of tables that hold few, a number of tables at a time, and takes their prints. */
  async function readFew(
    of: readonly TableOutline[],
    look: (table: TableOutline, rows: readonly Values[]) => void,
  ): Promise<void> {
    const maybe = of.filter(({ name }) => !large.has(name));
    for (let first = 0; first < maybe.length; first += tablesAtATime) {
      const some = maybe.slice(first, first + tablesAtATime);
      const contents = await asked((snapshot) => snapshot.contents(some));
      for (const [i, table] of some.entries()) {
        const rows = contents[i];
        if (rows === undefined) large.add(table.name);
        else {
          for (const one of [keyOf(table), wholeOf(table)]) prints.learn(one, printOf(rows, one));
          look(table, rows);
        }
      }
    }
  }
  async function printed(of: readonly Rows[]): Promise<void> {
    const unknown = () => of.filter((rows) => prints.of(rows) === undefined);
    const tables = new Map(unknown().map(({ table }) => [table.name, table]));
    await readFew([...tables.values()], (table, found) => {
      for (const rows of unknown()) if (rows.table.name === table.name) prints.learn(rows, printOf(found, rows));
    });
    const left = unknown();
    const told = left.length === 0 ? [] : await asked((snapshot) => snapshot.fingerprints(left));
    for (const [i, rows] of left.entries()) prints.learn(rows, told[i] ?? "");
  }
  async function foresee(): Promise<Held> {
    const outlines = await reading.tables();
    const held = new Holding();
    await readFew(outlines, (table, rows) => held.take(table, rows));
    const many = outlines.filter(({ name }) => large.has(name));
    if (many.length > 0) {
      const bytes = await reading.sizes(many);
      const small = many.filter((_, i) => (bytes[i] ?? fewBytes) < fewBytes);
      const keyed = many.filter(({ primaryKey }) => primaryKey.length > 0);
      await printed([...keyed.map(keyOf), ...small.map(wholeOf)]);
    }
    return { outlines, rows: many.length > 0 ? undefined : held.rows };
  }
  const filled = async () => {
    const tables = await reading.tables();
    await printed(tables.map((table) => ({ table, columns: [] })));
    const counts = tables.map((table) => [table.name, prints.countIn(table) ?? 0] as const);
    return new Map(counts.filter(([, count]) => count > 0));
  };
  const learnFrom = async (copy: Sandbox) => {
    const there = knowing(copy);
    try {
      await there.foresee();
      tables ??= there.tables();
      await tables;
      prints.adopt(there.known);
      for (const name of there.large) large.add(name);
      await there.pause();
    } finally {
      await there.forget();
    }
  };

  const reading: Knowing = {
    known: prints,
    large,
    async catalogue() {
      catalogue ??= asked((snapshot) => snapshot.catalogue());
      return withoutRecords(await catalogue, recordTables);
    },
    async tables() {
      // The catalogue holds them, too.
      tables ??= catalogue?.then((whole) => whole.tables) ?? asked((snapshot) => snapshot.tables());
      return (await tables).filter(isProducts);
    },
    async parts() {
      parts ??= asked((snapshot) => snapshot.parts());
      const ofRecord = ({ name, table }: Thing) => isOfRecord(table ?? name, name, recordTables);
      return (await parts).filter((part) => ![part, ...(part.of ?? [])].some(ofRecord));
    },
    async positions() {
      const positions = await asked((snapshot) => snapshot.positions());
      return positions.filter(({ name, table }) => !isOfRecord(table ?? name, name, recordTables));
    },
    rows: (table) => read((snapshot) => snapshot.rows(table)),
    all: (table) => asked((snapshot) => snapshot.all(table)),
    query: (sql) => asked((snapshot) => snapshot.query(sql)),
    entries: (table, key, columns) => read((snapshot) => snapshot.entries(table, key, columns)),
    async fingerprints(of) {
      await printed(of);
      return of.map((rows) => prints.of(rows) ?? "");
    },
    sizes: (of) => asked((snapshot) => snapshot.sizes(of)),
    contents: (of) => asked((snapshot) => snapshot.contents(of)),
    bounds: (of) => asked((snapshot) => snapshot.bounds(of)),
    chunks: (of) => asked((snapshot) => snapshot.chunks(of)),
    pieces: (of, chunks) => read((snapshot) => snapshot.pieces(of, chunks)),
    orphans: (of) => asked((snapshot) => snapshot.orphans(of)),
    async hasRows() {
      if (prints.anyRows) return true;
      hasRows ??= holding?.then(({ size }) => size > 0) ?? asked((snapshot) => snapshot.hasRows());
      return hasRows;
    },
    filled: () => (holding ??= filled()),
    async prints(names) {
      const asked = (await reading.tables()).filter(({ name }) => names.includes(name));
      const texts = await reading.fingerprints(asked.map(wholeOf));
      return new Map(asked.map(({ name }, i) => [name, texts[i] ?? ""]));
    },
    foresee,
    remembered: () => (held ??= foresee().then((all) => remembered(reading, all, isProducts))),
    learn(copy) {
      // Of several copies one is enough.
      learning ??= learnFrom(copy).catch((error) => {
        learning = undefined;
        throw error;
      });
      return learning;
    },
    close,
    async pause() {
      const snapshot = await left();
      if (snapshot !== undefined) await sandbox.keepSession(snapshot);
    },
    async forget() {
      await close();
      sandbox.readings.delete(reading);
      catalogue = undefined;
      parts = undefined;
      tables = undefined;
      held = undefined;
      prints.forget();
    },
  };
  sandbox.readings.add(reading);
  return reading;
}

/** A table's rows as they are told apart. */
function keyOf(table: TableOutline): Rows {
  return { table, columns: table.primaryKey };
}

/** Leaves out a tool's tables, and the sequences that number their rows. */
function withoutRecords(catalogue: Catalogue, records: ReadonlySet<string>): Catalogue {
  if (records.size === 0) return catalogue;
  return {
    ...catalogue,
    tables: catalogue.tables.filter(({ name }) => !records.has(name)),
    sequences: catalogue.sequences.filter(({ name }) => !isOfRecord(name, name, records)),
  };
}

function isOfRecord(table: string, sequence: string, records: ReadonlySet<string>): boolean {
  const numbers = (record: string) => sequence.startsWith(`${record}_`) && sequence.endsWith("_seq");
  return records.has(table) || [...records].some(numbers);
}
