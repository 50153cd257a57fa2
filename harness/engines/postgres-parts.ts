import { notes } from "./postgres-notes.ts";
import { otherParts } from "./postgres-other-parts.ts";
import { selected } from "./postgres-part.ts";
import { relationParts, relations } from "./postgres-relation-parts.ts";

/** Everything that the catalogue's own lists have no place for, as one array. */
export const partsSql = `with ${relations}
  select coalesce(json_agg(p order by p.kind collate "C", p."table" collate "C" nulls first, p.name collate "C", p."of"::text collate "C"), '[]') as answer
  from (${[...relationParts, ...otherParts, ...notes].map(selected).join("\nunion all ")}) p
  where p.definition <> ''`;
