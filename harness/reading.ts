import type { OpenSnapshot } from "./engines/engine.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Catalogue, Part, Rows, Snapshot, TableOutline, Thing } from "./snapshot.ts";

/** A snapshot that opens when it is first read, and again after it was closed: a sandbox that is read cannot be cloned. */
export interface Reading extends Snapshot {
  close(): Promise<void>;
  /** The same, where somebody will soon read the same sandbox at another moment. */
  pause(): Promise<void>;
  /** How many rows the tables hold that hold any. */
  filled(): Promise<ReadonlyMap<string, number>>;
  /** For tables: a text that is the same where the same rows are. */
  prints(tables: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Asks at once what whoever compares mostly asks, one thing after the other. */
  foresee(): Promise<Foreseen>;
  /** Takes that from a copy that nobody has touched yet, and need not be entered for it. */
  learn(copy: Sandbox): Promise<void>;
  /** Closes it for good, and lets go of what it remembers: nobody asks for this state any more. */
  forget(): Promise<void>;
}

/** Tables, and fingerprints of their keys and, where they are small, of their whole rows. */
export interface Foreseen {
  readonly outlines: readonly TableOutline[];
  readonly asked: readonly Rows[];
  readonly prints: readonly string[];
}

/** So many bytes of rows are hashed without a thought. */
const fewBytes = 2 ** 20;

export function readingOf(sandbox: Sandbox): Reading {
  let opening: ReturnType<Sandbox["snapshot"]> | undefined;
  let catalogue: Promise<Catalogue> | undefined;
  let parts: Promise<readonly Part[]> | undefined;
  let tables: Promise<readonly TableOutline[]> | undefined;
  let hasRows: Promise<boolean> | undefined;
  let holding: Promise<ReadonlyMap<string, number>> | undefined;
  let learning: Promise<void> | undefined;
  /** Fingerprints by table and columns: nothing changes in a state. */
  const known = new Map<string, string>();
  const counts = new Map<string, number>();
  const learned = (of: readonly Rows[], prints: readonly string[]) => {
    for (const [i, rows] of of.entries()) {
      const print = prints[i] ?? "";
      known.set(keyOf(rows), print);
      counts.set(rows.table.name, Number.parseInt(print, 10) || 0);
    }
  };
  const keyOf = ({ table, columns }: Rows) => JSON.stringify([table.name, columns]);
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
  const filled = async () => {
    const tables = await reading.tables();
    // Every fingerprint tells how many rows there are.
    await reading.fingerprints(tables.filter(({ name }) => !counts.has(name)).map((table) => ({ table, columns: [] })));
    return new Map(tables.map(({ name }) => [name, counts.get(name) ?? 0] as const).filter(([, count]) => count > 0));
  };

  const foresee = async () => {
    const outlines = await reading.tables();
    const bytes = await reading.sizes(outlines);
    const keyed = outlines.filter(({ primaryKey }) => primaryKey.length > 0);
    const small = outlines.filter((_, i) => (bytes[i] ?? fewBytes) < fewBytes);
    const asked = [
      ...keyed.map((table) => ({ table, columns: table.primaryKey })),
      ...small.map((table) => ({ table, columns: table.columns.map(({ name }) => name) })),
    ];
    const prints = await reading.fingerprints(asked);
    return { outlines, asked, prints };
  };
  const learnFrom = async (copy: Sandbox) => {
    const there = readingOf(copy);
    try {
      const { outlines, asked, prints } = await there.foresee();
      tables ??= Promise.resolve(outlines);
      learned(asked, prints);
      await there.pause();
    } finally {
      await there.forget();
    }
  };

  const reading: Reading = {
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
      const unknown = of.filter((rows) => !known.has(keyOf(rows)));
      const texts = unknown.length === 0 ? [] : await asked((snapshot) => snapshot.fingerprints(unknown));
      learned(unknown, texts);
      return of.map((rows) => known.get(keyOf(rows)) ?? "");
    },
    sizes: (of) => asked((snapshot) => snapshot.sizes(of)),
    bounds: (of) => asked((snapshot) => snapshot.bounds(of)),
    chunks: (of) => asked((snapshot) => snapshot.chunks(of)),
    pieces: (of, chunks) => read((snapshot) => snapshot.pieces(of, chunks)),
    orphans: (of) => asked((snapshot) => snapshot.orphans(of)),
    async hasRows() {
      hasRows ??= holding?.then(({ size }) => size > 0) ?? asked((snapshot) => snapshot.hasRows());
      return hasRows;
    },
    filled: () => (holding ??= filled()),
    async prints(names) {
      const asked = (await reading.tables()).filter(({ name }) => names.includes(name));
      const whole = asked.map((table) => ({ table, columns: table.columns.map(({ name }) => name) }));
      const texts = await reading.fingerprints(whole);
      return new Map(asked.map(({ name }, i) => [name, texts[i] ?? ""]));
    },
    foresee,
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
      known.clear();
    },
  };
  sandbox.readings.add(reading);
  return reading;
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
