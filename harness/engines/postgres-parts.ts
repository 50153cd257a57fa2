import { notes } from "./postgres-notes.ts";
import { otherParts } from "./postgres-other-parts.ts";
import { type PartSql, selected } from "./postgres-part.ts";
import { relationParts, relations } from "./postgres-relation-parts.ts";

const all: readonly PartSql[] = [...relationParts, ...otherParts, ...notes];

/** What of all this there is, as an array of answers for {@link partsSql}. */
export function anySql(version: number): string {
  const there = ({ any, since = 0 }: PartSql) =>
    since > version ? "false" : any === undefined ? "true" : `exists (select ${any})`;
  return `select array[${all.map(there).join(",\n")}] as answer`;
}

/** Everything that the catalogue's own lists have no place for, as one array, where `there` says that there is any. */
export function partsSql(there: readonly boolean[]): string {
  const parts = all.filter((_, i) => there[i] === true).map(selected);
  return `with ${relations}
    select coalesce(json_agg(p order by p.kind collate "C", p."table" collate "C" nulls first, p.name collate "C", p."of"::text collate "C"), '[]') as answer
    from (${parts.join("\nunion all ")}) p where p.definition <> ''`;
}
