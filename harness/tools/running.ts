/** What a line of a tool's output says of a migration. */
export interface Moved {
  readonly what: "begun" | "done";
  readonly migration: string;
}

/**
 * Which migration a line says is beginning, or has come through; `begins`: how a tool says it that is not known here.
 * Names are as the tool prints them.
 */
export function movedIn(line: string, begins: readonly RegExp[] = beginning): Moved | undefined {
  const begun = firstGroup(line, begins);
  if (begun !== undefined) return { what: "begun", migration: begun };
  const done = firstGroup(line, ending);
  return done === undefined ? undefined : { what: "done", migration: done };
}

/** Lines with which a migration begins, or fails in tools that name none before. */
const beginning: readonly RegExp[] = [
  // Alembic, if its logging is switched on; Django; Rails, data_migrate and the command line of Sequelize.
  /Running upgrade .*?-> ([^\s,]+)/,
  /^\s*Applying ([\w.]+\.\w+)\.\.\./,
  /^==\s+(.+?): migrating\b/,
  // Flyway, with a description and without; Liquibase.
  /Migrating schema .*? to version "?([^"\s]+(?: - [^"]*)?)/,
  /Migrating schema .*? with repeatable migration "?([^"]+)/,
  /^Running Changeset: (\S.*\S)/,
  /Migration failed for change ?set (\S+::\S+::[^:\s]+)/,
  // dbmate; goose, which names one once it is over; golang-migrate where it is verbose.
  /^Applying: (\S+)$/,
  /\bERROR (\d+_\S+\.(?:sql|go)): failed to run/,
  /\bRead and execute (\d+\/u \S+)/,
  // Prisma; Knex; node-pg-migrate; Umzug; EF Core; Ecto.
  /^Applying migration `([^`]+)`/,
  /^Migration name: (\S+)$/,
  /^migration file "([^"]+)" failed/,
  /^### MIGRATION (\S+) \(UP\) ###/,
  /event: 'migrating', name: '([^']+)'/,
  /^\s*Applying migration '([^']+)'/,
  /== Running (\d+ \S+?)(?:\.(?:change|up)\/0)? forward/,
];

/** Lines that say that one has come through. dbmate's "Applied" is none: it says so of what failed, too. */
const ending: readonly RegExp[] = [
  /^==\s+(.+?): migrated\b/,
  /\bOK\s+(\d+_\S+\.(?:sql|go))\b/,
  /^(?:\S+ \S+ )?(?:Finished )?(\d+\/u \S+) \(/,
  /event: 'migrated', name: '([^']+)'/,
];

/** No tool says more than this in one line, unless it prints data. */
const longest = 64 * 1024;

/** Reads output as it comes, and tells of each line once. */
export class Listener {
  #line = "";
  /** The migration that is running, as far as the tool has said. */
  running: string | undefined;
  readonly #tell: { readonly begun: (name: string) => void; readonly done: (name: string) => void };
  readonly #begins: readonly RegExp[] | undefined;
  readonly #heard: (line: string) => void;
  #toldOfLine = false;

  constructor(
    tell: { readonly begun: (name: string) => void; readonly done: (name: string) => void },
    heard: (line: string) => void,
    begins?: readonly RegExp[],
  ) {
    this.#tell = tell;
    this.#heard = heard;
    this.#begins = begins;
  }

  hear(text: string): void {
    const lines = (this.#line + text).split(/\r?\n|\r/);
    this.#line = (lines.pop() ?? "").slice(-longest);
    for (const line of lines) this.#hearLine(line);
    // Django ends the line only once the migration is over.
    if (/\.\.\.$/.test(this.#line) && !this.#toldOfLine) this.#toldOfLine = this.#moved(this.#line);
  }

  /** Nothing more comes. With `cameThrough`, so has the last migration. */
  end(cameThrough: boolean): void {
    if (this.#line !== "") this.#hearLine(this.#line);
    this.#line = "";
    if (cameThrough) this.#finish();
  }

  #hearLine(line: string): void {
    if (!this.#toldOfLine) this.#moved(line);
    this.#toldOfLine = false;
    this.#heard(line);
  }

  #moved(line: string): boolean {
    const moved = movedIn(line, this.#begins);
    if (moved === undefined) return false;
    if (this.running !== moved.migration) this.#begin(moved.migration);
    if (moved.what === "done") this.#finish();
    return true;
  }

  #begin(migration: string): void {
    this.#finish();
    this.running = migration;
    this.#tell.begun(migration);
  }

  #finish(): void {
    if (this.running === undefined) return;
    this.#tell.done(this.running);
    this.running = undefined;
  }
}

function firstGroup(line: string, patterns: readonly RegExp[]): string | undefined {
  for (const pattern of patterns) {
    const [, name] = pattern.exec(line) ?? [];
    if (name !== undefined) return name.trim();
  }
  return undefined;
}
