import { createHash } from "node:crypto";
import type { Migration, SqlFile } from "../chain.ts";
import type { Folder, ReadOptions } from "./format.ts";
import type { Changeset } from "./liquibase-changeset.ts";
import { attribute, flag } from "./liquibase-lines.ts";
import { databaseOf, preconditionsIn, runIf } from "./liquibase-preconditions.ts";
import { recordedId, type Shipped } from "./liquibase-record.ts";
import { liquibasePieces } from "./liquibase-sql.ts";
import { refused } from "./refused.ts";

/** What a changeset is read for, and what is told of it elsewhere. */
interface At {
  readonly options: ReadOptions;
  readonly book: ReadonlyMap<string, Shipped>;
  readonly passedOver: Map<string, "MARK_RAN" | "CONTINUE">;
}

/** What a changeset does, as Liquibase runs it. */
export function migrationOf(folder: Folder, changeset: Changeset, { options, book, passedOver }: At): Migration {
  const { line, text, start, end, sql, file, expanded } = changeset;
  const no = (why: string, at: number) => refused(folder, file, why, at);
  refuseUnserved(changeset, no);
  const id = recordedId(changeset);
  const pieces = splitBy(changeset).map((piece) => ({ ...piece, sql: expanded(piece.sql) }));
  const up: SqlFile = { sql: text.slice(start, end), file: folder.shown(file), within: { text, start }, pieces };
  const conditions = preconditionsIn(changeset.conditions, expanded, no);
  const down = rollbackOf(folder, changeset);
  const again = flag(line.text, "runAlways") ? "always" : flag(line.text, "runOnChange") ? "when-changed" : undefined;
  return {
    name: id,
    up:
      conditions === undefined || conditions.checks.length === 0
        ? up
        : async (db) => {
            const outcome = await runIf(db, conditions, { pieces, engine: options.engine });
            const key = `${await databaseOf(db, options.engine)}/${id}`;
            if (outcome === "EXECUTED") passedOver.delete(key);
            else passedOver.set(key, outcome);
          },
    ...(down !== undefined && { down }),
    ...(flag(line.text, "runInTransaction") === false && { transaction: false as const }),
    recordedAs: { id, checksum: book.get(id)?.checksum ?? "", ...(again !== undefined && { again }) },
  };

  function splitBy({ line: { text: attributes } }: Changeset) {
    const given = attribute(attributes, "endDelimiter");
    // A file that ends in a slash on a line of its own means Oracle's way.
    const slash = given === undefined && end === text.length && /\n\/$/.test(sql.trimEnd()) ? "\n/$" : undefined;
    const split = flag(attributes, "splitStatements") ?? true;
    const stripComments = flag(attributes, "stripComments") ?? attributes !== "";
    return liquibasePieces(sql, { split, stripComments, delimiter: given ?? slash });
  }
}

function refuseUnserved({ line }: Changeset, no: (why: string, line: number) => Error): void {
  const way = 'drive Liquibase itself: command("liquibase", ["update", …])';
  if (flag(line.text, "failOnError") === false)
    throw no(`failOnError:false has Liquibase go on after a failure, which nothing here does (${way})`, line.number);
  const runWith = attribute(line.text, "runWith");
  if (runWith !== undefined) throw no(`runWith:${runWith} has another program run it (${way})`, line.number);
}

function rollbackOf(folder: Folder, { rollback, line, text, file, expanded }: Changeset): SqlFile | undefined {
  const said = rollback.sql.trim();
  if (said === "" || /^(?:not required|empty)/i.test(said) || /changesetid/i.test(said)) return undefined;
  const delimiter = attribute(line.text, "rollbackEndDelimiter");
  const split = flag(line.text, "rollbackSplitStatements") ?? true;
  const pieces = liquibasePieces(rollback.sql, { split, stripComments: false, delimiter, indented: true });
  const shown = pieces.map((piece) => ({ ...piece, sql: expanded(piece.sql) }));
  return { sql: rollback.sql, file: folder.shown(file), within: { text, start: rollback.start }, pieces: shown };
}

/** What the record holds of a changeset. */
export function shippedAs(changeset: Changeset): Shipped {
  const { id, author, path, comment, validCheckSums, line, expanded } = changeset;
  const [contexts, labels] = [
    attribute(line.text, "contextFilter") ?? attribute(line.text, "context"),
    attribute(line.text, "labels"),
  ];
  return {
    ...{ id, author, path, comment, validCheckSums, checksum: checksumOf(changeset) },
    contexts: contexts && inWords(expanded(contexts)),
    labels: labels
      ?.split(",")
      .map((label) => label.trim())
      .join(","),
  };
}

/** As Liquibase writes the expression down. */
function inWords(contexts: string): string {
  const parts = contexts.split(",").map((part) => part.trim());
  return parts.length === 1 && /^!?\w+$/.test(contexts) ? contexts : `(${parts.join(") OR (")})`;
}

/** Version 9: of all SQL without blanks; and once more of that, as a changeset might do several things. */
function checksumOf({ sql, expanded }: Changeset): string {
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");
  return `9:${md5(`9:${md5(expanded(sql).replace(/[ \n\r\t]/g, ""))}:`)}`;
}
