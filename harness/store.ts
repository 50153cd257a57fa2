import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { End } from "./end.ts";
import { bytesOf } from "./megabytes.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { cacheFolder } from "./servers/cache.ts";
import { makeFolder } from "./servers/folder.ts";
import { serverUser } from "./servers/run.ts";
import type { Told } from "./things.ts";
import type { Verdict } from "./verdict.ts";
import { ownVersion } from "./version.ts";

/** What an earlier run has come to at the end of a path. */
export interface Remembered {
  readonly verdict: Verdict;
  readonly hops: Rehearsal["hops"];
  readonly milliseconds: number;
  /** What its end is known by, whatever the verdict. */
  readonly told: Rehearsal["end"];
  /** Of a clean path: what others are compared with. */
  readonly end: End | undefined;
}

/** What its folder is called, in front of our version: what another version has found is not read. */
const ours = "states-of-";

/** How many megabytes the store may take, unless `MIGRATION_SANDBOX_STORE_MB` says otherwise. */
const usualMegabytes = 256;

/**
 * What is known of the states that earlier runs came to, by their keys: a file each, written whole or not at all. Shapes of databases,
 * which many ends share, stand in files of their own. What is damaged is as good as not there, and walked again.
 */
export class Store {
  readonly #folder: string;
  readonly #most: number;
  #damaged = 0;

  private constructor(folder: string, most: number) {
    this.#folder = folder;
    this.#most = most;
  }

  /** The store of this version; `undefined` where there can be none: it is never a reason not to rehearse. */
  static open(version: string): Store | undefined {
    const most = bytesOf("MIGRATION_SANDBOX_STORE_MB", usualMegabytes);
    const asked = process.env.MIGRATION_SANDBOX_STORE;
    if (asked === "none") return undefined;
    try {
      const folder = join(asked || cacheFolder(serverUser()), `${ours}${version}`);
      makeFolder(folder);
      return new Store(folder, most);
    } catch {
      return undefined;
    }
  }

  /** How many files could not be read, and were removed. */
  get damaged(): number {
    return this.#damaged;
  }

  get(key: string): Remembered | undefined {
    const found = this.#read<Written>(key);
    if (found === undefined) return undefined;
    const { end, ...rest } = found;
    if (end === undefined) return { ...rest, end: undefined };
    const things = this.#read<readonly (readonly [string, Told])[]>(shapeOf(end.text.catalogue));
    return things === undefined ? undefined : { ...rest, end: { ...end, things: new Map(things) } };
  }

  put(key: string, { end, ...rest }: Remembered): void {
    try {
      if (end !== undefined) {
        const shape = shapeOf(end.text.catalogue);
        if (!this.#has(shape)) this.#write(shape, [...end.things]);
      }
      this.#write(key, { ...rest, ...(end !== undefined && { end: { ...end, things: undefined } }) });
    } catch {} // No room, or no right any more: the next run walks it again.
  }

  /** Removes what has not been asked for longest until the rest fits, and what other versions left. */
  trim(): number {
    const all = dirname(this.#folder);
    for (const name of namesIn(all).filter((name) => name.startsWith(ours) && join(all, name) !== this.#folder))
      rmSync(join(all, name), { recursive: true, force: true });
    const files = namesIn(this.#folder)
      .filter(isOurs)
      .flatMap((name) => {
        const path = join(this.#folder, name);
        const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
        return size === undefined || mtimeMs === undefined ? [] : [{ path, size, mtimeMs }];
      });
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (bytes <= this.#most) break;
      rmSync(path, { force: true });
      bytes -= size;
    }
    return bytes;
  }

  #has(name: string): boolean {
    return statSync(join(this.#folder, name), { throwIfNoEntry: false }) !== undefined;
  }

  #read<T>(name: string): T | undefined {
    const path = join(this.#folder, name);
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EISDIR") this.#remove(path);
      return undefined;
    }
    const [sum, body = ""] = [text.slice(0, 64), text.slice(65)];
    if (sumOf(body) !== sum) {
      this.#remove(path);
      return undefined;
    }
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {} // Another run has just removed it.
    return JSON.parse(body) as T;
  }

  /** What is no file of ours any more would be in the way of the next one. */
  #remove(path: string): void {
    this.#damaged++;
    rmSync(path, { recursive: true, force: true });
  }

  #write(name: string, what: unknown): void {
    const body = JSON.stringify(what);
    const draft = join(this.#folder, `draft-${process.pid}-${randomBytes(4).toString("hex")}`);
    writeFileSync(draft, `${sumOf(body)}\n${body}`);
    renameSync(draft, join(this.#folder, name));
  }
}

/** Whatever else somebody put there is left alone. */
function isOurs(name: string): boolean {
  return /^(?:[\da-f]{64}|shape-[\da-f]{32}|draft-\d+-[\da-f]{8})$/.test(name);
}

/** The store of this very package, where there can be one. */
export function ownStore(): { readonly store: Store; readonly version: string } | undefined {
  const build = ownBuild(ownVersion());
  const store = Store.open(build);
  return store && { store, version: build };
}

/** Our own version; from source, as long as nothing of it has been touched. */
function ownBuild(version: string): string {
  const folder = import.meta.dirname;
  if (!import.meta.filename.endsWith(".ts")) return version;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  const touched = files.map((file) => [file, statSync(join(folder, file)).mtimeMs]);
  return `${version}-${sumOf(JSON.stringify(touched)).slice(0, 12)}`;
}

type Written = Omit<Remembered, "end"> & { readonly end?: Omit<End, "things"> };

function shapeOf(catalogue: string): string {
  return `shape-${catalogue}`;
}

function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
