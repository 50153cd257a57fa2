import { createHash } from "node:crypto";
import { changeFor, type Migration, type Piece } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { type Harmless, harmlessly } from "./lexemes.ts";

/** A migration as a release ships it on an engine, with what it can be known by. */
export interface Known {
  readonly migration: Migration;
  readonly name: string;
  /** As its tool's record knows it. */
  readonly id: string;
  /** `1.2` in `V1_2__names`, without zeros that only pad. */
  readonly number: string | undefined;
  /** `names` in `V1_2__names`. */
  readonly tail: string | undefined;
  /** Where it stands among the release's: by place, or by the time that its tool compares. */
  readonly order: number;
  /** The whole of it, then the pieces in which it is sent. */
  readonly texts: readonly string[];
  readonly file: string | undefined;
  /** In which line of its file it begins; `undefined`: it is too large to be compared line by line. */
  readonly line: number | undefined;
}

/** A migration of one release, and what became of it in a later one. */
export interface Counterpart {
  readonly was: Known;
  readonly is: Known;
  readonly by: "name" | "content" | "number" | "tail";
}

/** Who is who in two releases, who is gone, and who is new. */
export interface Counterparts {
  readonly pairs: readonly Counterpart[];
  readonly gone: readonly Known[];
  readonly added: readonly Known[];
}

/** Who is who in two releases: by name; else by content, by the name behind the number, by the number alone. */
export function counterparts(earlier: readonly Known[], later: readonly Known[]): Counterparts {
  const gone = new Set(earlier);
  const added = new Set(later);
  const pairs: Counterpart[] = [];
  const pair = (by: Counterpart["by"], key: (known: Known) => string | undefined) => {
    const candidates = new Map<string, Known[]>();
    for (const is of added) {
      const value = key(is);
      if (value !== undefined) candidates.set(value, [...(candidates.get(value) ?? []), is]);
    }
    for (const was of gone) {
      const fitting = candidates.get(key(was) ?? "");
      // Of several of the same content, the one of the same number, or else of the same name.
      const same = (is: Known) => Number(is.number === was.number) * 2 + Number(is.tail === was.tail);
      const is = fitting?.sort((a, b) => same(b) - same(a)).shift();
      if (is === undefined) continue;
      pairs.push({ was, is, by });
      gone.delete(was);
      added.delete(is);
    }
  };
  pair("name", ({ name }) => name);
  pair("content", ({ texts }) => (texts.join("").trim() === "" ? undefined : texts[0]));
  // A number and a name behind it: an edit came with the other number.
  pair("tail", ({ tail }) => tail);
  pair("number", ({ number }) => number);
  return { pairs, gone: [...gone], added: [...added] };
}

/** What a release ships on an engine, each with what it can be known by. */
export async function knownOf(migrations: readonly Migration[], engine: EngineName): Promise<readonly Known[]> {
  return Promise.all(migrations.map((migration, i) => known(migration, i, engine)));
}

/** Whether two do the same: `true`, how they differ and do so all the same, or `false`. */
export function doSame(was: Known, is: Known, engine: EngineName): boolean | Harmless {
  if (was.migration.transaction !== is.migration.transaction) return false;
  if (was.texts.length === is.texts.length && was.texts.every((text, i) => text === is.texts[i])) return true;
  return harmlessly(was.texts, is.texts, engine) ?? false;
}

async function known(migration: Migration, place: number, engine: EngineName): Promise<Known> {
  const { name, recordedAs: { id = name, facts = {} } = {} } = migration;
  const change = changeFor(migration.up, engine);
  const file = typeof change === "object" ? change.file : undefined;
  const { number, tail } = partsOf(name);
  return {
    migration,
    name,
    id,
    number: number ?? partsOf(id).number,
    tail,
    order: typeof facts.when === "number" ? facts.when : place,
    texts: await textsOf(change),
    file,
    line: lineIn(change),
  };
}

function lineIn(change: ReturnType<typeof changeFor>): number | undefined {
  if (typeof change !== "object") return 1;
  if (typeof change.pieces === "function") return undefined;
  const { text, start } = change.within ?? { text: "", start: 0 };
  return text.slice(0, start).split("\n").length;
}

function partsOf(name: string): { readonly number?: string; readonly tail?: string } {
  const [, flyways, plain, tail = ""] =
    /^(?:[VUB](\d+(?:[._]\d+)*)__|(\d+(?:\.\d+)*)[-_. ]*)(.*?)(?:\.[a-z]+)*$/s.exec(name) ?? [];
  const number = flyways ?? plain;
  if (number === undefined) return {};
  const parts = number.split(/[._]/).map((part) => String(BigInt(part)));
  return { number: parts.join("."), ...(tail !== "" && { tail }) };
}

async function textsOf(change: ReturnType<typeof changeFor>): Promise<readonly string[]> {
  if (change === undefined) return [];
  if (typeof change !== "object") return [String(change)];
  const { sql, pieces } = change;
  if (pieces === undefined) return [sql];
  if (typeof pieces !== "function") return [sql, ...pieces.map((piece) => piece.sql + (piece.copied ?? ""))];
  return [await fingerprint(pieces())];
}

/** Of what is too large to be held. */
async function fingerprint(pieces: AsyncIterable<Piece>): Promise<string> {
  const hash = createHash("sha256");
  for await (const { sql, copied = "" } of pieces) {
    hash.update(`${sql}\0`);
    for await (const rows of typeof copied === "string" ? [copied] : copied) hash.update(rows);
  }
  return `sha256 ${hash.digest("hex")}`;
}
